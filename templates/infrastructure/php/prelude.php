<?php
// Rendered by Berth. Runs before the plugin in each of its requests: gives it its variables, as the environment of its
// worker would, and now and then takes away what would fill its memory.
(static function (): void {
    foreach (require '@VARIABLES@' as $name => $value) {
        putenv("$name=$value");
        $_ENV[$name] = $value;
        // What a request says goes before, as with a variable of the environment.
        $_SERVER[$name] ??= $value;
    }
    // About every 32nd request: the more visitors, the more often.
    if (hrtime()[1] >> 10 & 31) {
        return;
    }
    // A worker that was ended in the middle of an upload leaves its files.
    foreach (@scandir('/tmp', SCANDIR_SORT_NONE) ?: [] as $name) {
        if (strlen($name) === 9 && str_starts_with($name, 'php') && @filemtime("/tmp/$name") < time() - 3600) {
            @unlink("/tmp/$name");
        }
    }
    $names = @scandir('@SESSIONS@', SCANDIR_SORT_NONE) ?: [];
    $free = @disk_free_space('@SESSIONS@') ?: 0;
    $room = @disk_total_space('@SESSIONS@') ?: 1;
    if (count($names) <= @MAX_SESSIONS@ && $free * 2 >= $room) {
        return;
    }
    // The longest unused third goes before there is no room for the next visitor's.
    $used = [];
    foreach ($names as $name) {
        if (str_starts_with($name, 'sess_')) {
            $used[$name] = @filemtime("@SESSIONS@/$name") ?: 0;
        }
    }
    asort($used);
    foreach (array_slice(array_keys($used), 0, intdiv(count($used), 3) + 1) as $name) {
        @unlink("@SESSIONS@/$name");
    }
})();
