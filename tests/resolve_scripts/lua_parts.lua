-- Lets a test call functions of the parts: reads lines of JSON { part =, name =, arguments = [...] }, answers with
-- { value = } or { why = }. `luajit lua_parts.lua FOLDER_OF_THE_PARTS`

local folder = arg[1]
local made = {}

function need(name)
    made[name] = made[name] or assert(loadfile(folder .. "/" .. name .. ".lua"))()
    return made[name]
end

local json = need("json")

for line in io.lines() do
    local asked = assert(json.decode(line))
    local good, value, why = pcall(need(asked.part)[asked.name], unpack(asked.arguments))
    if not good then
        io.write(json.encode({ why = tostring(value) }), "\n")
    elseif value == nil then
        io.write(json.encode({ why = why or "nil" }), "\n")
    else
        io.write(json.encode({ value = value }), "\n")
    end
    io.flush()
end
