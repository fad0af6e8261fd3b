/// <summary>POST carries an action out, GET tells what became of it and how its document stands now.</summary>
page 50100 "CS Actions"
{
    PageType = API;
    Caption = 'Countersign Actions';
    APIPublisher = 'countersign';
    APIGroup = 'actions';
    APIVersion = 'v1.0';
    EntityName = 'action';
    EntitySetName = 'actions';
    SourceTable = "CS Action";
    ODataKeyFields = "Action Id";
    DelayedInsert = true;
    InsertAllowed = true;
    ModifyAllowed = false;
    DeleteAllowed = false;
    Extensible = false;

    layout
    {
        area(Content)
        {
            repeater(Group)
            {
                field(actionId; Rec."Action Id")
                {
                    Caption = 'Action Id';
                }
                field(kind; Rec.Kind)
                {
                    Caption = 'Kind';
                }
                field(payload; Rec.Payload)
                {
                    Caption = 'Payload';
                }
                field(payloadSha256; Rec."Payload Hash")
                {
                    Caption = 'Payload SHA-256';
                }
                field(marker; Rec.Marker)
                {
                    Caption = 'Marker';
                    Editable = false;
                }
                field(documentNo; Rec."Document No.")
                {
                    Caption = 'Document No.';
                    Editable = false;
                }
                field(doneAt; Rec.SystemCreatedAt)
                {
                    Caption = 'Done At';
                    Editable = false;
                }
                field(itemNo; TransferLine."Item No.")
                {
                    Caption = 'Item No.';
                    Editable = false;
                }
                field(quantity; TransferLine.Quantity)
                {
                    Caption = 'Quantity';
                    Editable = false;
                }
                field(unitOfMeasureCode; TransferLine."Unit of Measure Code")
                {
                    Caption = 'Unit of Measure Code';
                    Editable = false;
                }
                field(transferFromCode; TransferLine."Transfer-from Code")
                {
                    Caption = 'Transfer-from Code';
                    Editable = false;
                }
                field(transferToCode; TransferLine."Transfer-to Code")
                {
                    Caption = 'Transfer-to Code';
                    Editable = false;
                }
                field(receiptDate; TransferLine."Receipt Date")
                {
                    Caption = 'Receipt Date';
                    Editable = false;
                }
                field(dueDate; ProductionOrder."Due Date")
                {
                    Caption = 'Due Date';
                    Editable = false;
                }
            }
        }
    }

    trigger OnInsertRecord(BelowxRec: Boolean): Boolean
    var
        ActionMgt: Codeunit "CS Action Mgt.";
    begin
        // The row first: a second request for the same action stops at its key, before it did anything.
        Rec.Insert(true);
        ActionMgt.CarryOut(Rec);
        Rec.Modify(true);
        exit(false);
    end;

    trigger OnAfterGetRecord()
    var
        ActionMgt: Codeunit "CS Action Mgt.";
    begin
        ActionMgt.FindDocument(Rec, TransferLine, ProductionOrder);
    end;

    var
        TransferLine: Record "Transfer Line";
        ProductionOrder: Record "Production Order";
}
