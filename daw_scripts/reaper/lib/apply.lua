-- Writes a cue, or some of its items, into the project: first everything is checked and decided, then it is done in
-- one step of undo, tempo map first.

local M = {}

local RECORDING = 4

function M.new(reaper, lib)
  local id, midi, tempo, markers, takes, memory = lib.id, lib.midi, lib.tempo, lib.markers, lib.takes, lib.memory
  local operation = lib.operation
  local apply = {}

  -- The open project that a cue belongs to: the one in front, unless another tab has the cue.
  local function project_of(cue)
    if reaper.GetPlayState() & RECORDING ~= 0 then
      operation.refuse('recording', 'REAPER is recording; stop it first')
    end
    local front = reaper.EnumProjects(-1, '')
    if memory.folder(front, cue) then return front end
    local index = 0
    while true do
      local project, path = reaper.EnumProjects(index, '')
      if not project then return front end
      if memory.folder(project, cue) then
        operation.refuse('other_project', 'this score belongs to another project tab (' ..
          (path ~= '' and path or 'not saved') .. '); bring it to the front')
      end
      index = index + 1
    end
  end

  -- Where the picture begins: at the first video item, otherwise at the head of the project.
  local function picture_start(project)
    local first
    for index = 0, reaper.CountMediaItems(project) - 1 do
      local item = reaper.GetMediaItem(project, index)
      local position = reaper.GetMediaItemInfo_Value(item, 'D_POSITION')
      if (not first or position < first) and tempo.source_type(item) == 'VIDEO' then first = position end
    end
    return first or 0
  end

  -- Check and sort what the items hold. Nothing of REAPER is asked, so there may be pauses in between.
  local function prepare(score, pause)
    for _, part in ipairs(score.parts) do
      for _, item in ipairs(part.items) do
        item.length = item.end_s - item.start_s
        item.ticks = item['end'] - item.tick
        item.take = score.take
        item.ticks_per_quarter = score.ticks_per_quarter
        item.activate = score.activate
        item.program = item.tick == 0 and part.program or nil
        midi.check(item)
        midi.prepare(item, part.channel)
        pause()
      end
    end
  end

  -- The items of a message with their places in the project.
  local function rows_of(score, start)
    local rows = {}
    for _, part in ipairs(score.parts) do
      for _, item in ipairs(part.items) do
        item.position = start + item.start_s
        rows[#rows + 1] = { part = part, item = item }
      end
    end
    return rows
  end

  local function tempo_rows(score, start)
    local wanted = {}
    for index, row in ipairs(score.tempo) do
      wanted[index] = { time = start + row[1], bpm = row[2], numerator = row[3], denominator = row[4] }
    end
    return wanted
  end

  local function marker_rows(score, start)
    local wanted = {}
    for index, row in ipairs(score.markers) do
      wanted[index] = {
        id = row.id, name = row.text, colour = row.colour, time = start + row.time_s, stop = start + row.end_s,
      }
    end
    return wanted
  end

  -- Everything that is to be done, in the order of the message. Reads only.
  local function decide(project, score, start)
    local there = id.items(project, score.cue)
    local plan = {
      start = start, rows = rows_of(score, start), tracks = id.tracks(project, score.cue), stale = {},
      ours = {}, is_needed = false,
    }
    local asked = {}
    for _, row in ipairs(plan.rows) do
      row.there = there[row.item.id]
      asked[row.item.id] = true
      row.outcome = takes.judge(row.there, row.item, score.on_edit)
      if row.outcome == 'written' or row.outcome == 'updated' or row.outcome == 'beside' then plan.is_needed = true end
    end
    for name, item in pairs(there) do
      plan.ours[item] = not id.is_moved(item)
      if score.whole and not asked[name] then
        local stays = takes.any_edited(item) or id.is_locked(item)
        plan.stale[#plan.stale + 1] = { id = name, item = item, outcome = stays and 'kept' or 'removed' }
        if not stays then plan.is_needed = true end
      end
    end
    table.sort(plan.stale, function(a, b) return a.id < b.id end)
    if score.whole then
      local stop = start + score.end_s
      plan.tempo, plan.stop = tempo_rows(score, start), stop
      plan.known_tempo = memory.tempo(project, score.cue)
      plan.tempo_is_there = tempo.is_there(project, plan.tempo, start, stop)
      plan.markers = markers.plan(project, score.cue, marker_rows(score, start))
      plan.is_needed = plan.is_needed or not plan.tempo_is_there or #plan.markers.add > 0 or #plan.markers.drop > 0
          or memory.start(project, score.cue) ~= start
    end
    return plan
  end

  local function write_tempo(project, score, plan, said)
    if plan.tempo_is_there then return 0 end
    local foreign = tempo.foreign(project, plan.known_tempo, plan.start, plan.stop)
    if foreign > 0 then
      said[#said + 1] = string.format('%d tempo markers of yours between the beginning and the end of the cue were ' ..
        'replaced (undo brings them back)', foreign)
    end
    local guarded = tempo.protect(project, plan.ours)
    local times = tempo.write(project, plan.tempo, plan.known_tempo, plan.start, plan.stop)
    memory.remember_tempo(project, score.cue, times)
    local moved = tempo.release(guarded)
    if moved > 0 then
      said[#said + 1] = string.format('%d MIDI items of yours moved with the tempo map, as their timebase says', moved)
    end
    for item, in_place in pairs(plan.ours) do
      if in_place then id.remember_place(item) end -- where the map has put it is where it belongs
    end
    return #plan.tempo
  end

  local function track_of(project, plan, part)
    local track = plan.tracks[part.id]
    if track then return track end
    local index = reaper.CountTracks(project)
    reaper.InsertTrackAtIndex(index, true)
    track = reaper.GetTrack(project, index)
    reaper.GetSetMediaTrackInfo_String(track, 'P_NAME', part.name, true)
    local colour = part.colour
    reaper.SetTrackColor(track, reaper.ColorToNative(colour >> 16 & 255, colour >> 8 & 255, colour & 255))
    id.mark_track(track, 'track', part.id)
    plan.tracks[part.id] = track
    return track
  end

  local function write_items(project, plan)
    for _, row in ipairs(plan.stale) do
      if row.outcome == 'removed' then
        reaper.DeleteTrackMediaItem(reaper.GetMediaItem_Track(row.item), row.item)
      end
    end
    for _, row in ipairs(plan.rows) do
      if row.outcome == 'written' or row.outcome == 'updated' or row.outcome == 'beside' then
        local track = row.outcome == 'written' and track_of(project, plan, row.part) or nil
        row.there = takes.apply(project, row.outcome, track, row.there, row.item)
      elseif row.outcome == 'unchanged' and row.there then
        reaper.SetMediaItemInfo_Value(row.there, 'D_POSITION', row.item.position)
        reaper.SetMediaItemInfo_Value(row.there, 'D_LENGTH', row.item.length)
        id.remember_place(row.there)
      end
    end
  end

  local function outcomes(plan)
    local rows = lib.json.list()
    for _, row in ipairs(plan.rows) do
      local hash
      if row.there then
        local take = reaper.GetActiveTake(row.there)
        hash = take and id.hash(take)
      end
      rows[#rows + 1] = { id = row.item.id, outcome = row.outcome, hash = hash }
    end
    for _, row in ipairs(plan.stale) do rows[#rows + 1] = { id = row.id, outcome = row.outcome } end
    return rows
  end

  -- Write a score message. Its `whole` says that it is the whole cue, not only some items of it. `pause` lets REAPER
  -- redraw while the message is being prepared.
  function apply.score(score, pause)
    prepare(score, pause)
    local project = project_of(score.cue)
    local start = score.start or memory.start(project, score.cue)
    if not start then
      if not score.whole then
        operation.refuse('not_pushed', 'this project does not have the score yet; send the whole score first')
      end
      start = picture_start(project)
    end
    local plan = decide(project, score, start)
    local said, tempo_events = lib.json.list(), 0
    if plan.is_needed then
      operation.run(reaper, project, string.format('%s take %d', score.what or 'score', score.take), function()
        if score.whole then
          tempo_events = write_tempo(project, score, plan, said)
          markers.apply(project, score.cue, plan.markers)
          memory.remember_cue(project, score.cue, score.folder, start)
        end
        write_items(project, plan)
      end)
    end
    local written = plan.markers
    return {
      items = outcomes(plan),
      tempo_events = tempo_events,
      markers = written and #written.add + written.unchanged or 0,
      markers_kept = written and written.kept or 0,
      tracks = #score.parts,
      start_s = start,
      said = said,
      undo = plan.is_needed,
    }
  end

  return apply
end

return M
