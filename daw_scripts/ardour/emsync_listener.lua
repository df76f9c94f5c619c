ardour {
	["type"]    = "EditorHook",
	name        = "EMSYNC listener",
	license     = "Apache-2.0",
	author      = "EMSYNC",
	description = "Takes what EMSYNC sends to this session and tells it that Ardour is there. Ten looks a second at one small file.",
}

function signals ()
	return LuaSignal.Set ():add ({ [LuaSignal.LuaTimerDS] = true })
end

function factory ()
	local core = assert (loadfile (ARDOUR.user_config_directory (-1) .. "/emsync/emsync_core.lua")) ()
	return core.listener ()
end
