-- Fusion's globals `fu` and `bmd`, with answers in place of a person.

-- Touching the windows on free opens the notice.
return function(world, answers)
    local function element(_, told) return told end
    local ui = setmetatable({}, { __index = function() return element end })
    local window = { On = setmetatable({}, { __index = function(on, id)
        local handlers = {}
        rawset(on, id, handlers)
        return handlers
    end }) }
    local items = { Prompt = { Text = answers.prompt or "" }, Takes = { Value = answers.takes or 1 },
        Range = { Checked = not answers.whole } }
    function window.GetItems() return items end
    function window.Show() end
    function window.Hide() end
    local dispatcher = { AddWindow = function() return window end, ExitLoop = function() end }
    function dispatcher.RunLoop()
        window.On[answers.leave and "Leave" or "Go"].Clicked()
    end
    local function opened(value)
        if not world.studio and (world.major > 19 or world.major == 19 and world.minor >= 1) then
            world.notice = true
            return nil
        end
        return value
    end
    local fusion = setmetatable({}, { __index = function(_, name) return name == "UIManager" and opened(ui) or nil end })
    return fusion, { UIDispatcher = function() return opened(dispatcher) end }
end
