// Play a flow of EMOTIV's Node example: node.cjs subscribe|train, in the folder nodejs of a clone: its class as it is,
// without the lines at its end, which a user edits.
const fs = require("fs");
const source = fs.readFileSync("cortex_code_example.js", "utf8").split("let socketUrl")[0];
const Cortex = new Function("require", "process", source + "\nreturn Cortex;")(require("module").createRequire(process.cwd() + "/"), process);
const example = new Cortex({ clientId: "app-official", clientSecret: "secret", debit: 1 }, "wss://localhost:6868");
example.listenForWarnings();
if (process.argv[2] === "subscribe") example.sub(["eeg"]);
else example.train("node profile", ["neutral", "push"], 1);
