<?php
// Rendered by Berth: the release's variables.
return [
@VARIABLES@];
