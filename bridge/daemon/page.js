"use strict";
const kept = sessionStorage.getItem("token");
const token = location.hash.startsWith("#token=") ? location.hash.slice(7) : kept || "";
if (token) sessionStorage.setItem("token", token);
if (location.hash) history.replaceState(null, "", "/");
const jobs = new Map();

function cell(row, text, name) {
  const made = document.createElement("td");
  made.textContent = text;
  if (name) made.className = name;
  row.append(made);
  return made;
}

function state(job) {
  if (job.state === "running") return `running ${Math.round(100 * job.progress)} % ${job.stage}`;
  return job.state === "failed" ? `failed: ${job.error.message}` : job.state;
}

async function cancel(id) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  await fetch("/1/cancel", { method: "POST", headers, body: JSON.stringify({ job: id }) });
}

async function ask(action) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  const answer = await fetch("/1/live", { method: "POST", headers, body: JSON.stringify({ action }) });
  const said = await answer.json();
  document.getElementById("asked").textContent = said.error ? said.error.message : "asked";
}

for (const button of document.querySelectorAll("[data-ask]")) button.onclick = () => ask(button.dataset.ask);

function link(job, text) {
  const made = document.createElement("a");
  made.href = `/report?id=${encodeURIComponent(job.id)}`;
  made.textContent = text;
  return made;
}

function draw() {
  const rows = [...jobs.values()].sort((a, b) => b.created - a.created).slice(0, 30);
  const body = document.getElementById("jobs");
  body.replaceChildren();
  for (const job of rows) {
    const row = document.createElement("tr");
    cell(row, job.id);
    cell(row, job.call);
    cell(row, state(job));
    cell(row, job.request.folder || job.request.output || job.request.source || "", "path");
    const last = cell(row, "");
    if (job.brief.report) last.append(link(job, "report"));
    if (job.ended === null && token) {
      const button = document.createElement("button");
      button.textContent = "cancel";
      button.onclick = () => cancel(job.id);
      last.append(button);
    }
    body.append(row);
  }
  const open = [...jobs.values()].filter((job) => job.ended === null).length;
  document.getElementById("state").textContent = open ? `${open} open` : "nothing to do";
  const done = rows.filter((job) => job.brief.report).sort((a, b) => b.ended - a.ended)[0];
  if (done) document.getElementById("report").replaceChildren("last report: ", link(done, `${done.brief.title || done.id}, take ${done.brief.take}`));
}

async function begin() {
  const said = await (await fetch("/1/status")).json();
  for (const job of said.jobs) jobs.set(job.id, job);
  document.getElementById("live").hidden = !(said.live && token);
  draw();
}

begin();
const events = new EventSource("/events");
events.addEventListener("job", (event) => {
  const job = JSON.parse(event.data);
  jobs.set(job.id, job);
  draw();
});
events.addEventListener("transport", (event) => {
  const now = JSON.parse(event.data);
  const lost = Object.values(now.ports || {}).filter((port) => !port.open).map((port) => `${port.wanted}: ${port.trouble}`);
  const where = now.folder ? ` ${now.folder} ${now.state === "stopped" ? "at" : ""} bar ${now.bar}, ${now.position_s.toFixed(1)} s` : "";
  const follow = now.follow ? `, following ${now.follow}` : "";
  document.getElementById("transport").textContent = [`MIDI ${now.state}${where}${follow}`, ...lost].join("; ");
});
events.onopen = begin;
events.onerror = () => { document.getElementById("state").textContent = "the daemon does not answer"; };
