-- SPDX-License-Identifier: MIT
-- wrk's script: asks for products as a shop's visitors do, a few all the time and most now and then (Zipf, exponent 0.99).
--
--   wrk -s zipf.lua URL -- PRODUCTS
--
-- Ends with one line for demo.sh: requests, seconds, p50 and p99 in milliseconds, failures, resets, timeouts.
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("seed", threads)
end

function init(arguments)
  products = tonumber(arguments[1]) or 100000
  math.randomseed(seed)
  -- cumulated[rank]: how likely a visitor wants one of the first `rank` products. Made once; a request then halves its way in.
  cumulated = {}
  local sum = 0
  for rank = 1, products do
    sum = sum + 1 / rank ^ 0.99
    cumulated[rank] = sum
  end
end

function request()
  local wanted = math.random() * cumulated[products]
  local low, high = 1, products
  while low < high do
    local middle = math.floor((low + high) / 2)
    if cumulated[middle] < wanted then low = middle + 1 else high = middle end
  end
  local id = low * 7919 % products + 1 -- 7919 is prime, so each rank has its own id, and neighbours in rank are none on disk
  return wrk.format("GET", "/product/" .. id)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("result %d %.3f %.2f %.2f %d %d %d\n", summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, errors.status, errors.connect + errors.read + errors.write, errors.timeout))
end
