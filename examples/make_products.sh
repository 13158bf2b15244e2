#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes the shop that prefork_server serves: a SQLite file of 100,000 products with their categories, prices, stock and reviews.
# Always the same rows: they are drawn by a hash of the id, not by chance. Takes some ten seconds and 90 MB.
#
#   examples/make_products.sh FILE
set -euo pipefail

if [ $# -ne 1 ]; then
  sed -n '3,6s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
file=$1
shape=1  # raise it when the rows change: a file of another shape is made anew

if [ -f "$file" ] && [ "$(sqlite3 "$file" 'PRAGMA user_version' 2>/dev/null)" = "$shape" ]; then
  exit 0
fi
unfinished=$file.$$
trap 'rm -f "$unfinished"' EXIT

sqlite3 -bail "$unfinished" >/dev/null <<SQL
PRAGMA journal_mode = OFF;  -- the file gets its name when it is complete
PRAGMA synchronous = OFF;
PRAGMA cache_size = -200000;
BEGIN;

CREATE TABLE word (kind TEXT, n INTEGER, text TEXT, PRIMARY KEY (kind, n)) WITHOUT ROWID;
INSERT INTO word VALUES
  ('look', 0, 'Amber'), ('look', 1, 'Brushed'), ('look', 2, 'Cobalt'), ('look', 3, 'Dark'), ('look', 4, 'Etched'),
  ('look', 5, 'Frosted'), ('look', 6, 'Glazed'), ('look', 7, 'Hammered'), ('look', 8, 'Ivory'), ('look', 9, 'Jade'),
  ('stuff', 0, 'Ash'), ('stuff', 1, 'Brass'), ('stuff', 2, 'Copper'), ('stuff', 3, 'Glass'), ('stuff', 4, 'Linen'),
  ('stuff', 5, 'Oak'), ('stuff', 6, 'Porcelain'), ('stuff', 7, 'Steel'), ('stuff', 8, 'Stoneware'), ('stuff', 9, 'Wool'),
  ('thing', 0, 'Bowl'), ('thing', 1, 'Carafe'), ('thing', 2, 'Decanter'), ('thing', 3, 'Jug'), ('thing', 4, 'Kettle'),
  ('thing', 5, 'Lamp'), ('thing', 6, 'Mug'), ('thing', 7, 'Pitcher'), ('thing', 8, 'Tray'), ('thing', 9, 'Vase'),
  ('room', 0, 'Kitchen'), ('room', 1, 'Table'), ('room', 2, 'Bar'), ('room', 3, 'Garden'), ('room', 4, 'Office'),
  ('room', 5, 'Bath'), ('room', 6, 'Bedroom'), ('room', 7, 'Nursery'), ('room', 8, 'Travel'), ('room', 9, 'Workshop'),
  ('said', 0, 'Broke in the first week.'), ('said', 1, 'The lid does not fit.'),
  ('said', 2, 'Smaller than it looks.'), ('said', 3, 'Arrived with a scratch; it was replaced.'),
  ('said', 4, 'Good, but not at this price.'), ('said', 5, 'Does what it should.'),
  ('said', 6, 'A gift, and it was liked.'), ('said', 7, 'Pours without a drip, which is all I ask.'),
  ('said', 8, 'Exactly as shown, and well packed.'), ('said', 9, 'My second; the first is still in daily use.');

-- 400 categories: ten rooms with forty shelves each.
CREATE TABLE category (id INTEGER PRIMARY KEY, room TEXT NOT NULL, shelf TEXT NOT NULL);
WITH RECURSIVE i(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM i WHERE id < 400)
INSERT INTO category
SELECT id, room.text, stuff.text || ' ' || ((id / 100) + 1)
FROM i JOIN word room ON room.kind = 'room' AND room.n = id % 10 JOIN word stuff ON stuff.kind = 'stuff' AND stuff.n = id / 10 % 10;

CREATE TABLE product (id INTEGER PRIMARY KEY, category_id INTEGER NOT NULL, sku TEXT NOT NULL, name TEXT NOT NULL, about TEXT NOT NULL);
WITH RECURSIVE i(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM i WHERE id < 100000),
  drawn(id, h) AS (SELECT id, id * 2654435761 % 4294967296 FROM i)
INSERT INTO product
SELECT id, h / 1000 % 400 + 1, printf('SKU-%06d', id), look.text || ' ' || stuff.text || ' ' || thing.text,
  'A ' || lower(look.text) || ' ' || lower(thing.text) || ' of ' || lower(stuff.text) || ', made to be used every day and to last. '
    || 'Holds ' || ((h / 7 % 18 + 2) * 100) || ' ml, weighs ' || (h / 11 % 1900 + 100) || ' g, and is washed by hand.'
FROM drawn JOIN word look ON look.kind = 'look' AND look.n = h % 10 JOIN word stuff ON stuff.kind = 'stuff' AND stuff.n = h / 10 % 10
  JOIN word thing ON thing.kind = 'thing' AND thing.n = h / 100 % 10;
CREATE INDEX product_by_category ON product (category_id);

-- Three prices each, the last one in force.
CREATE TABLE price (product_id INTEGER, since TEXT, cents INTEGER NOT NULL, PRIMARY KEY (product_id, since)) WITHOUT ROWID;
INSERT INTO price
SELECT id, since, (id * 40503 % 19000 + 990) * percent / 100
FROM product, (SELECT '2023-01-01' AS since, 100 AS percent UNION ALL SELECT '2023-09-01', 110 UNION ALL SELECT '2024-06-01', 95);

-- Three warehouses.
CREATE TABLE stock (product_id INTEGER, warehouse TEXT, pieces INTEGER NOT NULL, PRIMARY KEY (product_id, warehouse)) WITHOUT ROWID;
INSERT INTO stock
SELECT id, warehouse, id * factor % 61
FROM product, (SELECT 'Hamburg' AS warehouse, 48271 AS factor UNION ALL SELECT 'Lyon', 69621 UNION ALL SELECT 'Turin', 16807);

-- Nought to fifteen reviews each, 750,000 in all.
CREATE TABLE review (product_id INTEGER, n INTEGER, stars INTEGER NOT NULL, author TEXT NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (product_id, n)) WITHOUT ROWID;
WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 15),
  drawn(id, n, stars) AS (SELECT id, n, 5 - (id * 7 + n * 13) % 17 % 5 FROM product JOIN i ON n <= id * 2654435761 / 65536 % 16)
INSERT INTO review
SELECT id, drawn.n, stars, 'customer ' || ((id * 31 + drawn.n * 7919) % 20000), said.text
FROM drawn JOIN word said ON said.kind = 'said' AND said.n = stars * 2 - 1 - drawn.n % 2;
CREATE INDEX review_stars ON review (product_id, stars);

DROP TABLE word;
PRAGMA user_version = $shape;
COMMIT;
ANALYZE;
SQL

mv "$unfinished" "$file"
