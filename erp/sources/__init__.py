"""What stands beside the ERP: MES, CMMS, WMS, historians and files, as readers of a snapshot."""
