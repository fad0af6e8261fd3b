/// <summary>For the writer's log-in; it also needs a standard set that may plan production.</summary>
permissionset 50100 "CS ACTIONS"
{
    Caption = 'Countersign, carry out';
    Assignable = true;
    IncludedPermissionSets = "CS ACTIONS, READ";
    Permissions =
        tabledata "CS Action" = RIM,
        tabledata "Transfer Header" = RIM,
        tabledata "Transfer Line" = RIM,
        tabledata "Production Order" = RM;
}
