<?php
// A plugin as a third-party developer writes it: plain PHP, no network, configuration from the environment.
error_log("hello from the demo plugin, version 2: " . $_SERVER["REQUEST_METHOD"] . " " . $_SERVER["REQUEST_URI"]);
header("Content-Type: text/html; charset=utf-8");
?>
<!doctype html>
<title>Demo plugin</title>
<h1>Demo plugin, version 2</h1>
<p><?= htmlspecialchars(getenv("GREETING") ?: "Hello") ?>, it is <?= gmdate("H:i:s") ?> UTC.</p>
