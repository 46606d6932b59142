"""`ray up` itself, against machines that are network namespaces with an SSH server each."""
