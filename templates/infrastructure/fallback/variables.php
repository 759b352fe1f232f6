<?php
// Rendered by Berth: the release's variables, each value in base64.
(static function (array $variables): void {
    foreach ($variables as $name => $encoded) {
        $value = base64_decode($encoded);
        putenv("$name=$value");
        $_ENV[$name] = $_SERVER[$name] = $value;
    }
})([
@VARIABLES@]);
