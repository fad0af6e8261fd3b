/// <summary>Carries out the two kinds of action; everything in the transaction of the row that asks for it.</summary>
codeunit 50100 "CS Action Mgt."
{
    var
        TransferKindTok: Label 'create_transfer_order', Locked = true;
        RescheduleKindTok: Label 'reschedule_production_order', Locked = true;
        NoIdErr: Label 'The action has no id.';
        UnknownKindErr: Label 'Countersign actions of the kind %1 are not known here.', Comment = '%1 = kind';
        HashErr: Label 'The payload is not the one that was approved: its SHA-256 is another.';
        NoJsonErr: Label 'The payload is not a JSON object.';
        MissingErr: Label 'The payload has no %1.', Comment = '%1 = name of a property';
        NoValueErr: Label 'The payload has no usable %1.', Comment = '%1 = name of a property';
        SamePlaceErr: Label 'Goods cannot be transferred from %1 to itself.', Comment = '%1 = location code';
        NoOrderErr: Label 'There is no firm planned or released production order %1.', Comment = '%1 = number';
        MovedErr: Label 'Production order %1 is due on %2 now, not on %3.', Comment = '%1 = number, %2 and %3 = dates';

    /// <summary>Carries an action out and notes the number of its document on it.</summary>
    [CommitBehavior(CommitBehavior::Error)]
    procedure CarryOut(var Action: Record "CS Action")
    var
        Payload: JsonObject;
    begin
        // A commit half way would let the document stand without the row, so that it could be made twice.
        if IsNullGuid(Action."Action Id") then
            Error(NoIdErr);
        CheckHash(Action);
        if not Payload.ReadFrom(Action.Payload) then
            Error(NoJsonErr);
        Action.Marker := CopyStr(TextOf(Payload, 'marker'), 1, MaxStrLen(Action.Marker));
        case Action.Kind of
            TransferKindTok:
                Action."Document No." := CreateTransferOrder(Payload, Action.Marker);
            RescheduleKindTok:
                Action."Document No." := RescheduleProductionOrder(Payload);
            else
                Error(UnknownKindErr, Action.Kind);
        end;
    end;

    /// <summary>Finds what an action made or changed, as it stands now; blank records where it is gone.</summary>
    procedure FindDocument(Action: Record "CS Action"; var TransferLine: Record "Transfer Line"; var ProductionOrder: Record "Production Order")
    begin
        Clear(TransferLine);
        Clear(ProductionOrder);
        case Action.Kind of
            TransferKindTok:
                begin
                    TransferLine.SetRange("Document No.", Action."Document No.");
                    TransferLine.SetRange("Derived From Line No.", 0);
                    if TransferLine.FindFirst() then;
                end;
            RescheduleKindTok:
                if FindProductionOrder(ProductionOrder, Action."Document No.") then;
        end;
    end;

    local procedure CreateTransferOrder(Payload: JsonObject; Marker: Text[35]): Code[20]
    var
        Item: Record Item;
        Location: Record Location;
        TransferHeader: Record "Transfer Header";
        TransferLine: Record "Transfer Line";
        FromCode: Code[10];
        ToCode: Code[10];
    begin
        FromCode := CopyStr(TextOf(Payload, 'fromLocation'), 1, MaxStrLen(FromCode));
        ToCode := CopyStr(TextOf(Payload, 'toLocation'), 1, MaxStrLen(ToCode));
        if FromCode = ToCode then
            Error(SamePlaceErr, FromCode);
        Location.Get(FromCode);
        Location.Get(ToCode);
        Item.Get(TextOf(Payload, 'item'));
        Item.TestField(Blocked, false);

        TransferHeader.Init();
        TransferHeader.Insert(true);
        TransferHeader.SetHideValidationDialog(true);
        TransferHeader.Validate("Transfer-from Code", FromCode);
        TransferHeader.Validate("Transfer-to Code", ToCode);
        // A transfer route brings its in-transit location along; without a route it goes directly.
        if TransferHeader."In-Transit Code" = '' then
            TransferHeader.Validate("Direct Transfer", true);
        TransferHeader.Validate("Receipt Date", DateOf(Payload, 'receiptDate'));
        TransferHeader.Validate("External Document No.", Marker);
        TransferHeader.Modify(true);

        TransferLine.Init();
        TransferLine."Document No." := TransferHeader."No.";
        TransferLine."Line No." := 10000;
        TransferLine.Validate("Item No.", Item."No.");
        TransferLine.Validate("Unit of Measure Code", TextOf(Payload, 'unit'));
        TransferLine.Validate(Quantity, PositiveOf(Payload, 'quantity'));
        TransferLine.Insert(true);
        exit(TransferHeader."No.");
    end;

    local procedure RescheduleProductionOrder(Payload: JsonObject): Code[20]
    var
        ProductionOrder: Record "Production Order";
        Number: Code[20];
        Approved: Date;
    begin
        Number := CopyStr(TextOf(Payload, 'document'), 1, MaxStrLen(Number));
        Approved := DateOf(Payload, 'presentDueDate');
        ProductionOrder.LockTable();
        if not FindProductionOrder(ProductionOrder, Number) then
            Error(NoOrderErr, Number);
        // What was approved is a move from one date to another; from any other date it is another move.
        if ProductionOrder."Due Date" <> Approved then
            Error(MovedErr, Number, ProductionOrder."Due Date", Approved);
        ProductionOrder.SetUpdateEndDate();
        ProductionOrder.Validate("Due Date", DateOf(Payload, 'dueDate'));
        ProductionOrder.Modify(true);
        exit(ProductionOrder."No.");
    end;

    local procedure FindProductionOrder(var ProductionOrder: Record "Production Order"; Number: Code[20]): Boolean
    begin
        ProductionOrder.SetFilter(Status, '%1|%2', ProductionOrder.Status::"Firm Planned", ProductionOrder.Status::Released);
        ProductionOrder.SetRange("No.", Number);
        exit(ProductionOrder.FindFirst());
    end;

    local procedure CheckHash(Action: Record "CS Action")
    var
        CryptographyManagement: Codeunit "Cryptography Management";
        HashAlgorithmType: Option MD5,SHA1,SHA256,SHA384,SHA512;
    begin
        if LowerCase(CryptographyManagement.GenerateHash(Action.Payload, HashAlgorithmType::SHA256)) <> Action."Payload Hash" then
            Error(HashErr);
    end;

    local procedure TextOf(Payload: JsonObject; Name: Text): Text
    var
        Token: JsonToken;
    begin
        if not Payload.Get(Name, Token) then
            Error(MissingErr, Name);
        exit(Token.AsValue().AsText());
    end;

    local procedure DateOf(Payload: JsonObject; Name: Text) Found: Date
    begin
        // Format 9 is XML's, the same in every language.
        if not Evaluate(Found, TextOf(Payload, Name), 9) then
            Error(NoValueErr, Name);
    end;

    local procedure PositiveOf(Payload: JsonObject; Name: Text) Found: Decimal
    begin
        if not Evaluate(Found, TextOf(Payload, Name), 9) then
            Error(NoValueErr, Name);
        if Found <= 0 then
            Error(NoValueErr, Name);
    end;
}
