-- The double for a Python script: reads calls as lines of JSON, answers with what the double's method returned.
--
-- luajit bridge.lua THIS_FOLDER JSON_PART WORLD.json; a call is { object =, name =, arguments = [...] }.
-- An object of the double travels as { object = N }, a table with numbers for names as { pairs = [[key, value]] }.

local here, json_part, world_path = unpack(arg)

local made = {}

-- A part of the double.
function double(name)
    made[name] = made[name] or assert(loadfile(here .. "/double/" .. name .. ".lua"))()
    return made[name]
end

local json = assert(loadfile(json_part))()

local file = assert(io.open(world_path, "rb"))
local world = double("world")(assert(json.decode(file:read("*a"))))
file:close()

local objects, numbers = { world.app }, { [world.app] = 1 }

local function is_object(value)
    for _, member in pairs(value) do
        if type(member) == "function" then
            return true
        end
    end
    return false
end

local function number_of(object)
    if not numbers[object] then
        objects[#objects + 1] = object
        numbers[object] = #objects
    end
    return numbers[object]
end

local function out(value)
    if type(value) ~= "table" then
        return value
    elseif is_object(value) then
        return { object = number_of(value) }
    end
    local list, named = json.array(), {}
    for key, member in pairs(value) do
        if type(key) == "string" then
            named[key] = out(member)
        else
            list[#list + 1] = json.array({ key, out(member) })
        end
    end
    return next(named) and { named = named } or { pairs = list }
end

local function back(value)
    if type(value) ~= "table" then
        return value
    elseif value == json.null then
        return nil
    elseif value.object then
        return objects[value.object]
    end
    local copy = {}
    for key, member in pairs(value) do
        copy[key] = back(member)
    end
    return copy
end

for line in io.lines() do
    local call = assert(json.decode(line))
    local answer
    if call.name == "STATE" then
        answer = double("state")(world)
    elseif call.name == "MOVE" then
        local markers, from, to = world.current.markers, call.arguments[1], call.arguments[2]
        markers[to], markers[from] = markers[from], nil
    else
        local object = objects[call.object]
        local member = object[call.name]
        if type(member) == "function" then
            local arguments = {}
            for at, value in ipairs(call.arguments) do
                arguments[at] = back(value)
            end
            answer = out(member(object, unpack(arguments, 1, #call.arguments)))
        else
            answer = member
        end
    end
    io.write(json.encode({ value = answer }), "\n")
    io.flush()
end
