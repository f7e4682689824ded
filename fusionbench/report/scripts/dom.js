// Small helpers. Text from records only ever becomes textContent, never markup.

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children);
  return element;
}

function readJson(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

function fillSelect(select, labels, chosen) {
  select.replaceChildren(...labels.map((label, i) => make("option", { value: i }, label)));
  select.value = String(clamp(chosen, 0, labels.length - 1));
}
