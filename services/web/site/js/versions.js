// What runs: the page's version, the API's, and the model's.
const place = (name) => document.querySelector(`#version-${name}`);

export async function showVersions() {
  await show("version.json", (answer) => {
    place("page").textContent = answer.version;
  });
  await show("api/version", ({ version, model, registry }) => {
    place("api").textContent = version;
    place("model").textContent = `${model.name} ${model.version} (${model.source})`;
    place("model").title = `registry: ${registry}`;
  });
}

async function show(address, fill) {
  try {
    const answer = await fetch(address, { cache: "no-store" });
    if (answer.ok) fill(await answer.json());
  } catch {
    // The connection's state, which is shown, says that nothing answers; the versions stay as they were.
  }
}
