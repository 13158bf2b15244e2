<?php
// SPDX-License-Identifier: MIT
// APCu, measured from within PHP: a loop with the call, minus the same loop without it. Speaks like bench_peers: lines such as "get_zipf 2"
// on standard input, a line of JSON for each. Workers are forked and share one cache, as those of PHP-FPM do.
//
//   php -d apc.enable_cli=1 -d apc.shm_size=1G -d memory_limit=-1 apcu.php ITEMS VALUE_BYTES SECONDS
declare(strict_types=1);

const SLICE = 1024;
const KEY_BYTES = 17;
const NEVER = PHP_INT_MAX;

ini_set('default_socket_timeout', '-1');  // workers may wait for their turn as long as it takes
$items = (int)$argv[1];
$valueBytes = (int)$argv[2];
$seconds = (float)$argv[3];
$accesses = 1024;  // drawn before the clock starts; then over again
while ($accesses < min($items, 1 << 20)) $accesses *= 2;
$padding = str_repeat('v', $valueBytes - KEY_BYTES);
$cores = allowed_cores();

for ($i = 0; $i < $items; ++$i) {
    if (!apcu_store(key_of($i), key_of($i) . $padding)) give_up("refused item $i");
}
$crew = array_map(start_worker(...), array_keys(array_slice($cores, 0, 2)));
foreach ($crew as $worker) answer_of($worker);
say(STDOUT, ['ready' => 'apcu']);
while (($line = fgets(STDIN)) !== false) {
    [$workload, $workers] = explode(' ', trim($line));
    say(STDOUT, ['peer' => 'apcu', 'workload' => $workload, 'workers' => (int)$workers] + measure($workload, (int)$workers));
}
array_map(fclose(...), $crew);
while (pcntl_wait($status) > 0);

function give_up(string $why): never {
    fwrite(STDERR, "apcu: $why\n");
    exit(1);
}

/** "user/" + 8 letters a..p + "/bio", as all peers have it. */
function key_of(int $number): string {
    return 'user/' . strtr(sprintf('%08x', $number), '0123456789abcdef', 'abcdefghijklmnop') . '/bio';
}

function allowed_cores(): array {
    preg_match('/^Cpus_allowed_list:\s*(.*)$/m', file_get_contents('/proc/self/status'), $found);
    $cores = [];
    foreach (explode(',', $found[1]) as $range) {
        $ends = explode('-', $range);
        array_push($cores, ...range((int)$ends[0], (int)end($ends)));
    }
    return $cores;
}

function say($pipe, array $what): void {
    fwrite($pipe, json_encode($what) . "\n");
}
function answer_of($worker): array {
    return json_decode((string)fgets($worker), true) ?? give_up('a worker died');
}

/** Forks a worker, pinned, that walks the cache once (pages are mapped into each process on first touch), then does as it is told. */
function start_worker(int $number) {
    global $cores;
    [$ours, $theirs] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    if (pcntl_fork() !== 0) {
        fclose($theirs);
        return $ours;
    }
    fclose($ours);
    exec("taskset -cp {$cores[$number]} " . getmypid());
    walk();
    say($theirs, ['ready' => $number]);
    while (($workload = fgets($theirs)) !== false) work(trim($workload), $number, $theirs);
    posix_kill(getmypid(), SIGKILL);  // at once: no destructors of what the parent still uses
}

function walk(): void {
    global $items, $padding;
    for ($i = 0; $i < $items; ++$i) {
        if (apcu_fetch(key_of($i)) !== key_of($i) . $padding) give_up("item $i is missing or wrong");
    }
}

/** By the last worker alone, or by several at the same time. They draw their keys, are told when to start, and answer. */
function measure(string $workload, int $workers): array {
    global $crew;
    if (every_and_batch($workload) === null) return ['absent' => 'no such workload'];
    if ($workers < 1 || $workers > count($crew)) return ['absent' => 'no such number of workers'];
    $chosen = array_slice($crew, -$workers);
    foreach ($chosen as $worker) fwrite($worker, "$workload\n");
    foreach ($chosen as $worker) answer_of($worker);
    $start = hrtime(true) + 5_000_000;
    foreach ($chosen as $worker) fwrite($worker, "$start\n");
    $answers = array_map(answer_of(...), $chosen);
    $sum = ['crew' => 'processes', 'ns_each' => array_sum(array_column($answers, 'ns_each')) / $workers];
    foreach (['gets', 'hits', 'sets', 'refused', 'wrong'] as $count) $sum[$count] = array_sum(array_column($answers, $count));
    return $sum;
}

/** One in how many accesses is a set; how many keys are asked for together. */
function every_and_batch(string $workload): ?array {
    return match ($workload) {
        'get_uniform', 'get_zipf', 'get_one_key', 'get_miss' => [NEVER, 0],
        'get_32' => [NEVER, 32],
        'get_100' => [NEVER, 100],
        'set_replace' => [1, 0],
        'mix_95_5' => [20, 0],
        'mix_50_50' => [2, 0],
        default => null,
    };
}

function work(string $workload, int $worker, $pipe): void {
    global $seconds;
    [$every, $batch] = every_and_batch($workload);
    $slices = array_chunk(keys_for($workload, $worker), $batch ?: SLICE);
    // An answer has a key only once.
    if ($batch) $slices = array_values(array_filter($slices, fn($keys) => count(array_unique($keys)) === $batch));
    say($pipe, ['ready' => $worker]);
    $start = (int)fgets($pipe);
    while (hrtime(true) < $start);
    say($pipe, timed($batch ? 'batch' : 'single', $slices, $every, $seconds));
}

/** Keys in the order in which they are asked for, each a string of its own, as a program's keys are. Drawn once. */
function keys_for(string $workload, int $worker): array {
    static $drawn = [];
    $skew = match ($workload) {
        'get_zipf', 'mix_95_5', 'mix_50_50' => 'zipf',
        'get_one_key' => 'one_key',
        'get_miss' => 'absent',
        default => 'uniform',
    };
    return $drawn[$skew] ??= draw($skew, $worker);
}

function draw(string $skew, int $worker): array {
    global $items, $accesses;
    mt_srand(20240229 + $worker);
    $next = match ($skew) {
        'zipf' => zipf_ranks($items),
        'one_key' => fn() => $items >> 1,
        'absent' => fn() => $items + mt_rand(0, $items - 1),
        'uniform' => fn() => mt_rand(0, $items - 1),
    };
    $keys = [];
    for ($i = 0; $i < $accesses; ++$i) $keys[] = key_of($next());
    return $keys;
}

/** Ranks, scattered over the keys. */
function zipf_ranks(int $count): callable {
    $cumulated = [];
    $sum = 0.0;
    for ($rank = 1; $rank <= $count; ++$rank) $cumulated[] = $sum += $rank ** -0.99;
    return function () use ($cumulated, $sum, $count): int {
        $point = mt_rand() / mt_getrandmax() * $sum;
        for ([$low, $high] = [0, $count - 1]; $low < $high;) {
            $middle = ($low + $high) >> 1;
            if ($cumulated[$middle] < $point) $low = $middle + 1;
            else $high = $middle;
        }
        return ($low * 7919 + 12345) % $count;
    };
}

/** Runs the loops over slices of the keys until the time is up, four with calls to one without, so that both meet the same disturbances. */
function timed(string $loop, array $slices, int $every, float $seconds): array {
    $loop_without = "{$loop}_without";
    $total = ['gets' => 0, 'hits' => 0, 'sets' => 0, 'refused' => 0, 'wrong' => 0];
    static $at = 0;  // goes on where the last call ended, so that nothing is asked for again soon
    $with = $without = $made = 0;
    $until = hrtime(true) + (int)(1e9 * $seconds);
    do {
        $before = hrtime(true);
        $loop_without($slices[$at % count($slices)], $every);
        $between = hrtime(true);
        for ($i = 0; $i < 4; ++$i) {
            ++$made;
            foreach ($loop($slices[++$at % count($slices)], $every) as $count => $value) $total[$count] += $value;
        }
        $now = hrtime(true);
        $without += $between - $before;
        $with += $now - $between;
    } while ($now < $until);
    return ['ns_each' => ($with - 4 * $without) / ($made * count($slices[0]))] + $total;
}

// Every value is checked: its length, and that it begins with its key. The loops without a call check the key itself.

/** One of `$every` is a set. */
function single(array $keys, int $every): array {
    global $valueBytes, $padding;
    $hits = $wrong = $sets = $refused = 0;
    foreach ($keys as $i => $key) {
        if ($i % $every === $every - 1) {
            ++$sets;
            $value = $key . $padding;
            if (!apcu_store($key, $value)) ++$refused;
            continue;
        }
        $value = apcu_fetch($key);
        if ($value === false) continue;
        ++$hits;
        if (strlen($value) !== $valueBytes || !str_starts_with($value, $key)) ++$wrong;
    }
    return ['gets' => count($keys) - $sets, 'hits' => $hits, 'sets' => $sets, 'refused' => $refused, 'wrong' => $wrong];
}
function single_without(array $keys, int $every): array {
    global $padding;
    $hits = $wrong = $sets = $refused = 0;
    foreach ($keys as $i => $key) {
        if ($i % $every === $every - 1) {
            ++$sets;
            $value = $key . $padding;
            if (!$value) ++$refused;
            continue;
        }
        $value = $key;
        if ($value === false) continue;
        ++$hits;
        if (strlen($value) !== KEY_BYTES || !str_starts_with($value, $key)) ++$wrong;
    }
    return ['wrong' => $wrong];
}

function batch(array $keys): array {
    global $valueBytes;
    $hits = $wrong = 0;
    foreach (apcu_fetch($keys) as $key => $value) {
        ++$hits;
        if (strlen($value) !== $valueBytes || !str_starts_with($value, $key)) ++$wrong;
    }
    return ['gets' => count($keys), 'hits' => $hits, 'wrong' => $wrong];
}
function batch_without(array $keys): array {
    $hits = $wrong = 0;
    foreach ($keys as $key => $value) {
        ++$hits;
        if (strlen($value) !== KEY_BYTES || !str_starts_with($value, $value)) ++$wrong;
    }
    return ['wrong' => $wrong];
}
