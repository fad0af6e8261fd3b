/// <summary>An approved action that was carried out; its key is what lets it happen once.</summary>
table 50100 "CS Action"
{
    Caption = 'Countersign Action';
    DataClassification = CustomerContent;
    Extensible = false;

    fields
    {
        field(1; "Action Id"; Guid)
        {
            Caption = 'Action Id';
            NotBlank = true;
        }
        field(2; Kind; Text[50])
        {
            Caption = 'Kind';
        }
        field(3; Payload; Text[2048])
        {
            Caption = 'Payload';
        }
        field(4; "Payload Hash"; Text[64])
        {
            Caption = 'Payload SHA-256';
        }
        field(5; Marker; Text[35])
        {
            Caption = 'Marker';
        }
        field(6; "Document No."; Code[20])
        {
            Caption = 'Document No.';
        }
    }

    keys
    {
        key(PK; "Action Id")
        {
            Clustered = true;
        }
    }
}
