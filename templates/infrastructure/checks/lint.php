<?php
// Says which of the files on its standard input PHP can't compile. Runs nothing of them. Written by Berth.
//
// Input: for each file a line `NUMBER SIZE` and SIZE bytes; `end` closes it. Output: for each file that can't be compiled
// a line of JSON with `number`, `line` (or null) and `message`; `{"end": COUNT}` at the end.
// A child compiles: where a file ends it (a parser has limits), the next child goes on behind that file.

const BATCH_FILES = 200, BATCH_BYTES = 4194304, MAX_ALONE = 50;

function say(array $what): void
{
    fwrite(STDOUT, json_encode($what, JSON_INVALID_UTF8_SUBSTITUTE) . "\n");
}

// The child: each argument is a file that the parent has written.
function compile(array $files): void
{
    set_error_handler(static fn () => true);
    foreach ($files as $file) {
        fwrite(STDOUT, "begin\n");
        error_clear_last();
        $error = null;
        try {
            token_get_all(file_get_contents($file), TOKEN_PARSE);
            if (!opcache_compile_file($file)) {
                $last = error_get_last();
                $error = ['line' => $last['line'] ?? null, 'message' => $last['message'] ?? 'it does not compile'];
            }
        } catch (\Throwable $thrown) {
            $error = ['line' => $thrown->getLine(), 'message' => $thrown->getMessage()];
        }
        fwrite(STDOUT, 'done ' . json_encode($error, JSON_INVALID_UTF8_SUBSTITUTE) . "\n");
    }
}

function lint(array $batch): void
{
    $options = ['-d', 'opcache.enable_cli=1', '-d', 'opcache.file_update_protection=0', '-d', 'display_errors=0',
        '-d', 'log_errors=0', '-d', 'memory_limit=192M', '-d', 'max_execution_time=10', '-d', 'zend.hard_timeout=1',
        '-d', 'html_errors=0', '-d', 'opcache.max_accelerated_files=1000', '-d', 'opcache.memory_consumption=128'];
    $is_batch = count($batch) > 1;
    $doubtful = [];
    while ($batch) {
        $files = array_map(static fn (int $number): string => "/tmp/$number.php", array_keys($batch));
        $child = proc_open([PHP_BINARY, ...$options, __FILE__, 'compile', ...$files],
            [['file', '/dev/null', 'r'], ['pipe', 'w'], ['file', '/dev/null', 'w']], $pipes);
        $current = null;
        while (($line = fgets($pipes[1])) !== false) {
            if ($line === "begin\n") {
                $current = array_key_first($batch);
                continue;
            }
            $error = json_decode(substr($line, 5), true);
            // Files of one child see each other's names: a name that is taken may be another file's.
            $message = $error['message'] ?? '';
            if (preg_match('~already in use|previously declared in /tmp/(?!' . $current . '\.php)~', $message) && $is_batch) {
                $doubtful[$current] = true;
            } elseif ($error !== null) {
                say(['number' => $current, 'line' => $error['line'],
                    'message' => str_replace("/tmp/$current.php", 'this file', $error['message'])]);
            }
            unset($batch[$current]);
            $current = null;
        }
        proc_close($child);
        if ($current === null && $batch) {
            $current = array_key_first($batch);
        }
        if ($current !== null) {
            say(['number' => $current, 'line' => null, 'message' => 'the compiler ends or takes too long over this file']);
            unset($batch[$current]);
        }
    }
    // Each costs a process. What is beyond the bound was parsed, and is taken for good.
    static $alone = MAX_ALONE;
    foreach (array_keys($doubtful) as $number) {
        if ($alone-- > 0) {
            lint([$number => true]);
        }
    }
}

if (($argv[1] ?? '') === 'compile') {
    compile(array_slice($argv, 2));
    exit(0);
}
$batch = [];
$bytes = $count = 0;
$flush = static function () use (&$batch, &$bytes): void {
    lint($batch);
    array_map(static fn (int $number) => unlink("/tmp/$number.php"), array_keys($batch));
    $batch = [];
    $bytes = 0;
};
while (($head = fgets(STDIN)) !== false && $head !== "end\n") {
    [$number, $size] = array_map('intval', explode(' ', trim($head)));
    file_put_contents("/tmp/$number.php", $size ? stream_get_contents(STDIN, $size) : '');
    $batch[$number] = true;
    $bytes += $size;
    $count++;
    if (count($batch) >= BATCH_FILES || $bytes >= BATCH_BYTES) {
        $flush();
    }
}
$flush();
say(['end' => $count]);
