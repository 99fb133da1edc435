-- Objects of Resolve: every call is heard, and fails while a notice is open.

return function(world, methods)
    local guarded = {}
    for name, method in pairs(methods) do
        guarded[name] = function(self, ...)
            world.calls[#world.calls + 1] = name
            if world.notice then
                return nil
            end
            if world.on_call then
                world.on_call(name)
            end
            return method(self, ...)
        end
    end
    return guarded
end
