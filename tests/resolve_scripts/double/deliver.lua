-- The Deliver page: settings lie over those that were there, and the words of a status are the user's language.

local sound = double("sound")

return function(world)
    local page = world.render
    return {
        GetCurrentRenderFormatAndCodec = function() return { format = page.format, codec = page.codec } end,
        SetCurrentRenderFormatAndCodec = function(_, format, codec)
            if not world.codecs[format .. "/" .. codec] then
                return false
            end
            page.format, page.codec = format, codec
            return true
        end,
        GetCurrentRenderMode = function() return page.mode end,
        SetCurrentRenderMode = function(_, mode)
            page.mode = mode
            return true
        end,
        SetRenderSettings = function(_, settings)
            if world.page ~= "deliver" then
                return false
            end
            for name, value in pairs(settings) do
                page.settings[name] = value
            end
            return true
        end,
        SaveAsNewRenderPreset = function(_, name)
            local kept = { format = page.format, codec = page.codec, mode = page.mode, settings = {} }
            for key, value in pairs(page.settings) do
                kept.settings[key] = value
            end
            world.presets[name] = kept
            return true
        end,
        LoadRenderPreset = function(_, name)
            local kept = world.presets[name]
            if kept then
                page.format, page.codec, page.mode, page.settings = kept.format, kept.codec, kept.mode, kept.settings
            end
            return kept ~= nil
        end,
        DeleteRenderPreset = function(_, name)
            local was = world.presets[name]
            world.presets[name] = nil
            return was ~= nil
        end,
        AddRenderJob = function()
            world.ids = world.ids + 1
            local id = "job-" .. world.ids
            local settings = {}
            for name, value in pairs(page.settings) do
                settings[name] = value
            end
            world.queue[id] = { settings = settings, ending = page.format:sub(1, 3) }
            return id
        end,
        DeleteRenderJob = function(_, id)
            local was = world.queue[id]
            world.queue[id] = nil
            return was ~= nil
        end,
        StartRendering = function(_, ids)
            world.rendering = { id = ids[1], looks = 2 }
            return true
        end,
        StopRendering = function() world.rendering = nil end,
        IsRenderingInProgress = function()
            local now = world.rendering
            if not now or now.foreign then
                return now ~= nil
            end
            now.looks = now.looks - 1
            if now.looks >= 0 then
                return true
            end
            world.rendering = nil
            local job = world.queue[now.id]
            job.done = not world.render_fails
            if job.done then
                local set = job.settings
                local file = sound.open(sound.here(world, set.TargetDir) .. "/" .. set.CustomName .. "." .. job.ending, "wb")
                local what = set.ExportVideo == false and "sound only" or "a film"
                file:write(what, " of ", set.MarkIn or "the beginning", " to ", set.MarkOut or "the end")
                file:close()
            end
            return false
        end,
        GetRenderJobStatus = function(_, id)
            local job = world.queue[id] or {}
            if world.render_fails and not world.rendering then
                return { JobStatus = "Fehlgeschlagen", CompletionPercentage = 37, Error = "Die Platte ist voll" }
            end
            return { JobStatus = job.done and "Concluído" or "Renderizando", CompletionPercentage = job.done and 100 or 50 }
        end,
    }
end
