-- SPDX-License-Identifier: MIT
-- ngx.shared, measured from within one request: a loop with the call, minus the same loop without it. run.py asks
--
--   /fill   /walk (by every worker, at the same time)   /get_zipf?...      all with items, value_bytes, seconds, start
--
-- and each answers with a line of JSON. `start` is a time of day at which all workers begin; who holds a worker until then makes nginx
-- give the other request to the other worker.
local ffi = require "ffi"
local bit = require "bit"

pcall(ffi.cdef, [[
  struct peer_time { long seconds, nanoseconds; };
  int clock_gettime(int clock, struct peer_time* now);
]]) -- refused when an earlier request has said it

local SLICE = 1024
local KEY_BYTES = 17
local NEVER = 2 ^ 40
local WORKLOADS = { -- how keys are drawn; one in how many accesses is a set
  get_uniform = { "uniform", NEVER }, get_zipf = { "zipf", NEVER }, get_one_key = { "one_key", NEVER }, get_miss = { "absent", NEVER },
  set_replace = { "uniform", 1 }, mix_95_5 = { "zipf", 20 }, mix_50_50 = { "zipf", 2 },
}

-- Of this worker; outlives the request. `at` goes on where the last request ended, so that nothing is asked for again soon.
local mine = package.loaded.carafe_peer or { drawn = {}, letters = {}, at = 0 }
package.loaded.carafe_peer = mine

local dict = ngx.shared.peer
local args = ngx.req.get_uri_args()
local items = tonumber(args.items)
local value_bytes = tonumber(args.value_bytes)
local padding = string.rep("v", value_bytes - KEY_BYTES)
local accesses = SLICE -- drawn before the clock starts; then over again
while accesses < math.min(items, 2 ^ 20) do accesses = accesses * 2 end

local clock = ffi.new("struct peer_time")
local function now()
  ffi.C.clock_gettime(0, clock)
  return tonumber(clock.seconds) + tonumber(clock.nanoseconds) * 1e-9
end

-- "user/" + 8 letters a..p + "/bio", as all peers have it.
local letters = mine.letters
for i = #letters, 65535 do
  letters[i] = string.format("%04x", i):gsub(".", function(digit) return string.char(97 + tonumber(digit, 16)) end)
end
local function key_of(number)
  return "user/" .. letters[bit.rshift(number, 16)] .. letters[bit.band(number, 65535)] .. "/bio"
end

-- Ranks, scattered over the keys.
local function zipf_ranks()
  local cumulated, sum = {}, 0
  for rank = 1, items do
    sum = sum + rank ^ -0.99
    cumulated[rank] = sum
  end
  return function()
    local point = math.random() * sum
    local low, high = 1, items
    while low < high do
      local middle = math.floor((low + high) / 2)
      if cumulated[middle] < point then low = middle + 1 else high = middle end
    end
    return (low * 7919 + 12345) % items
  end
end

-- Slices of keys, in the order in which they are asked for.
local function draw(skew)
  math.randomseed(20240229 + ngx.worker.id())
  local next_number
  if skew == "zipf" then next_number = zipf_ranks()
  elseif skew == "one_key" then next_number = function() return math.floor(items / 2) end
  elseif skew == "absent" then next_number = function() return items + math.random(0, items - 1) end
  else next_number = function() return math.random(0, items - 1) end end
  local slices = {}
  for slice = 1, accesses / SLICE do
    local keys = {}
    for i = 1, SLICE do keys[i] = key_of(next_number()) end
    slices[slice] = keys
  end
  return slices
end

-- Every value is checked: its length, and that it begins with its key. The loop without a call checks the key itself.
local function with_calls(keys, every, total)
  for i = 1, #keys do
    local key = keys[i]
    if i % every == 0 then
      local value = key .. padding
      total.sets = total.sets + 1
      if not dict:set(key, value) then total.refused = total.refused + 1 end
    else
      local value = dict:get(key)
      total.gets = total.gets + 1
      if value then
        total.hits = total.hits + 1
        if #value ~= value_bytes or value:find(key, 1, true) ~= 1 then total.wrong = total.wrong + 1 end
      end
    end
  end
end
local function without_calls(keys, every, total)
  for i = 1, #keys do
    local key = keys[i]
    if i % every == 0 then
      local value = key .. padding
      total.sets = total.sets + 1
      if not value then total.refused = total.refused + 1 end
    else
      local value = key
      total.gets = total.gets + 1
      if value then
        total.hits = total.hits + 1
        if #value ~= KEY_BYTES or value:find(key, 1, true) ~= 1 then total.wrong = total.wrong + 1 end
      end
    end
  end
end

-- Runs the loops over slices of the keys until the time is up, four with calls to one without, so that both meet the same disturbances.
local function measure(slices, every, seconds)
  local total = { gets = 0, hits = 0, sets = 0, refused = 0, wrong = 0 }
  local nothing = { gets = 0, hits = 0, sets = 0, refused = 0, wrong = 0 }
  local with, without, made = 0, 0, 0
  local began = now()
  repeat
    local before = now()
    without_calls(slices[mine.at % #slices + 1], every, nothing)
    local between = now()
    for i = mine.at + 1, mine.at + 4 do with_calls(slices[i % #slices + 1], every, total) end
    mine.at = mine.at + 4
    made = made + 4
    without = without + (between - before)
    with = with + (now() - between)
  until now() - began >= seconds
  return (with - 4 * without) * 1e9 / (made * SLICE), total
end

local function answer(format, ...)
  ngx.say(string.format(format, ...))
end
local function wait_for_start()
  while now() < tonumber(args.start) do end
end

local workload = ngx.var.uri:sub(2)
if workload == "fill" then
  for number = 0, items - 1 do
    local done, why, evicted = dict:set(key_of(number), key_of(number) .. padding)
    if not done or evicted then return answer('{"error":"refused item %d: %s"}', number, why or "it had to evict") end
  end
  answer('{"error":""}')
elseif workload == "walk" then
  wait_for_start()
  for number = 0, items - 1 do
    if dict:get(key_of(number)) ~= key_of(number) .. padding then return answer('{"error":"item %d is missing or wrong"}', number) end
  end
  for _, skew in ipairs { "uniform", "zipf", "one_key", "absent" } do mine.drawn[skew] = draw(skew) end
  answer('{"error":"","worker":%d}', ngx.worker.id())
elseif WORKLOADS[workload] then
  local skew, every = unpack(WORKLOADS[workload])
  local slices = mine.drawn[skew]
  if now() > tonumber(args.start) then return answer('{"late":true}') end
  wait_for_start()
  local ns_each, total = measure(slices, every, tonumber(args.seconds))
  answer('{"worker":%d,"ns_each":%.2f,"gets":%d,"hits":%d,"sets":%d,"refused":%d,"wrong":%d}', ngx.worker.id(), ns_each, total.gets,
    total.hits, total.sets, total.refused, total.wrong)
else
  answer('{"absent":"has none"}')
end
