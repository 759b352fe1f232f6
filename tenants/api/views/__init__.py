"""One file for each kind of resource. A view finds rows through `access.restrict`, calls one service, shows a row."""
