"""What of a ledger says where its study is: kept small, and beside the ledger, so that only what is new is read."""
