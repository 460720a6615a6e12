// A widget's tag on somebody's page, and what its button opens: node widget_page.mjs FOLDER NAME=VALUE... (of the tag's data- attributes)
const [folder, ...attributes] = process.argv.slice(2);
const dataset = Object.fromEntries(attributes.map((each) => each.split("=")));
const [buttons, opened] = [[], []];

globalThis.document = {
  currentScript: { src: "https://calls.example.com/widget.js", dataset, after: (button) => buttons.push(button) },
  createElement: () => ({ addEventListener(name, act) { this[name] = act; } }),
};
globalThis.window = { open: (page) => opened.push(String(page)) };

await import(`${folder}/widget.js`);
for (const button of buttons) button.click();
console.log(JSON.stringify({ labels: buttons.map((button) => button.textContent), classes: buttons.map((button) => button.className), opened }));
