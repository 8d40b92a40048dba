// What runs: the page's version, the API's, and the model's.
const place = (name) => document.querySelector(`#version-${name}`);

/** What the image says of itself: `{ version, detector }`, the latter the folder of a pose detector, if it has one. */
export async function showPage() {
  const page = (await read("version.json")) ?? {};
  place("page").textContent = page.version ?? "unknown";
  return page;
}

export async function showApi() {
  const answer = await read("api/version");
  if (!answer) return;
  const { version, model, registry } = answer;
  place("api").textContent = version;
  place("model").textContent = `${model.name} ${model.version} (${model.source})`;
  place("model").title = `registry: ${registry}`;
}

async function read(address) {
  try {
    const answer = await fetch(address, { cache: "no-store" });
    return answer.ok ? await answer.json() : null;
  } catch {
    // The connection's state, which is shown, says that nothing answers; the versions stay as they were.
    return null;
  }
}
