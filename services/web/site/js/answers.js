// What is shown of the API's answers: the label, or why there is none, and the probabilities.
import { SERIES } from "./colors.js";

const find = (id) => document.querySelector(`#${id}`);
const words = (label) => label.replaceAll("_", " ");

/** Only a change is written: a screen reader says it once. */
function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/** No label outlives its reason: any of `problem` (of what the person gave) and `outage` (of the API) hides it. */
export class Answers {
  constructor() {
    this.problem = "";
    this.outage = "";
    this.waitFor("loading");
  }

  set(what) {
    Object.assign(this, what);
    this.show();
  }

  /** Say what the next label waits for; the last one is over. */
  waitFor(hint) {
    this.set({ hint, answer: null });
  }

  /** Name the labels that the model has, before it says how probable they are. */
  names(labels) {
    find("probabilities").replaceChildren(...labels.map(bar));
    find("legend").replaceChildren(...labels.map(sample));
    this.show();
  }

  show() {
    const reason = this.problem || this.outage;
    const state = reason ? "none" : this.answer ? "label" : "waiting";
    const text = { none: "no label", label: words(this.answer?.label ?? ""), waiting: this.hint }[state];
    write(find("label"), text);
    write(find("reason"), reason);
    find("label").dataset.state = document.body.dataset.state = state;
    this.showProbabilities(state === "label" ? this.answer.probabilities : {});
  }

  showProbabilities(probabilities) {
    for (const item of find("probabilities").children) {
      const share = probabilities[item.dataset.label];
      item.querySelector(".bar span").style.width = `${100 * (share ?? 0)}%`;
      item.querySelector(".value").textContent = share === undefined ? "–" : `${Math.round(100 * share)} %`;
    }
  }
}

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

function bar(label, index) {
  const fill = element("span", `series-${index % SERIES}`);
  const line = element("span", "bar", fill);
  line.ariaHidden = "true";
  const item = element("li", "", element("span", "name", words(label)), line, element("span", "value"));
  item.dataset.label = label;
  return item;
}

function sample(label, index) {
  return element("li", "", element("span", `swatch series-${index % SERIES}`), words(label));
}
