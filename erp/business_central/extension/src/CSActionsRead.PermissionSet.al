/// <summary>For the reader's log-in: whether the extension is there, and what was carried out.</summary>
permissionset 50101 "CS ACTIONS, READ"
{
    Caption = 'Countersign, look';
    Assignable = true;
    Permissions =
        page "CS Actions" = X,
        codeunit "CS Action Mgt." = X,
        table "CS Action" = X,
        tabledata "CS Action" = R,
        tabledata "Transfer Line" = R,
        tabledata "Production Order" = R;
}
