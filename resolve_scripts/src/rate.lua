-- Frame rates as exact fractions, and seconds into frames.
--
-- Resolve says 23.976, 23.98, "29.97 DF" or a float32 of it; multiplied by an hour each of them is another frame.

local rate = {}

local trouble = need("trouble")

local KNOWN = {
    { 16, 1 }, { 18, 1 }, { 24000, 1001 }, { 24, 1 }, { 25, 1 }, { 30000, 1001 }, { 30, 1 }, { 48000, 1001 },
    { 48, 1 }, { 50, 1 }, { 60000, 1001 }, { 60, 1 }, { 72, 1 }, { 90, 1 }, { 95, 1 }, { 96, 1 }, { 100, 1 },
    { 120000, 1001 }, { 120, 1 },
}
local TOLERANCE = 0.0005 -- 23.98 is off by 0.00016, and the next rate, 24, is 0.001 away

-- The exact rate as { num =, den = }.
function rate.of(text)
    local value = tonumber((tostring(text):match("^%s*[%d.]+")))
    local best, error_of_best
    for _, known in ipairs(KNOWN) do
        local off = value and math.abs(value * known[2] / known[1] - 1) or math.huge
        if off < (error_of_best or TOLERANCE) then
            best, error_of_best = known, off
        end
    end
    if not best then
        trouble.raise("unsupported", ("The frame rate is %q, which V2M does not know."):format(tostring(text)))
    end
    return { num = best[1], den = best[2] }
end

-- The frame nearest to a time.
function rate.frame(seconds, exact)
    return math.floor(seconds * exact.num / exact.den + 0.5)
end

function rate.same(a, b)
    return a.num * b.den == b.num * a.den
end

-- Frames counted at one rate as frames at another, rounded up.
function rate.converted(frames, from, to)
    return math.ceil(frames * from.den * to.num / (from.num * to.den) - 1e-9)
end

return rate
