-- Script for wrk: sends the whole HTTP requests in the files FOLDER/0 to FOLDER/(COUNT-1) in turn.
-- wrk ... -s load.lua URL -- FOLDER COUNT APART
-- Thread number n starts at request n * APART.

local requests = {}
local sent = 0
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  for i = 0, tonumber(args[2]) - 1 do
    local file = assert(io.open(args[1] .. "/" .. i, "rb"))
    requests[i] = file:read("*a")
    file:close()
  end
  count = tonumber(args[2])
  sent = number * tonumber(args[3])
end

function request()
  sent = sent + 1
  return requests[sent % count]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"seconds": %f, "answers": %d, "refused": %d, "broken": %d, "timeouts": %d, ' ..
    '"p50_ms": %f, "p99_ms": %f}\n',
    summary.duration / 1e6, summary.requests - errors.status, errors.status,
    errors.connect + errors.read + errors.write, errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
