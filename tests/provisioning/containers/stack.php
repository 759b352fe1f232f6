<?php
switch ($_GET['ask'] ?? '') {
case 'settings': echo json_encode(array_map('strval', array_column(
    array_map(fn ($name) => [$name, ini_get($name)], json_decode(file_get_contents('php://input'))), 1, 0))); break;
case 'extensions': echo json_encode(get_loaded_extensions()); break;
case 'locales': echo json_encode(array_filter(json_decode(file_get_contents('php://input')),
    fn ($name) => setlocale(LC_ALL, $name) === $name)); break;
case 'german': setlocale(LC_ALL, 'de_DE.UTF-8'); echo localeconv()['decimal_point']; break;
case 'zones': echo count(timezone_identifiers_list()), ' ', date_default_timezone_get(), ' ',
    (new DateTime('2026-07-01', new DateTimeZone('Europe/Berlin')))->format('T'); break;
case 'annotate':
    $picture = new Imagick(); $picture->newImage(200, 60, 'white');
    $draw = new ImagickDraw(); $draw->setFontSize(30);
    $picture->annotateImage($draw, 5, 40, 0, 'Berth');
    echo $picture->getImageColors() > 1 ? 'drawn' : 'blank'; break;
case 'ttf':
    $picture = imagecreatetruecolor(200, 60);
    imagettftext($picture, 20, 0, 5, 40, 0xffffff, '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf', 'Berth');
    echo imagecolorat($picture, 9, 30) || imagecolorat($picture, 8, 30) || imagecolorat($picture, 10, 30) ? 'drawn' : 'blank'; break;
case 'session': session_start(); $_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1; echo $_SESSION['visits']; break;
case 'upload': echo move_uploaded_file($_FILES['file']['tmp_name'], '/tmp/kept') ? file_get_contents('/tmp/kept') : 'failed'; break;
case 'apcu': apcu_store('key', 'value'); echo apcu_fetch('key'); break;
case 'sqlite': $database = new PDO('sqlite:/tmp/own.db'); $database->exec('CREATE TABLE IF NOT EXISTS t (x)');
    $database->exec('INSERT INTO t VALUES (1)'); echo $database->query('SELECT count(*) FROM t')->fetchColumn() > 0; break;
default: echo 'up';
}
