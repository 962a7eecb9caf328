// Builds the page into dist, which is in the repository: npm ci && npm run build.
// The same sources give the same bytes, which .ci/page holds against dist.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";

const here = new URL(".", import.meta.url).pathname;
const notices = [];
for (const name of ["preact", "uplot"]) {
  const { version } = JSON.parse(await readFile(`${here}node_modules/${name}/package.json`, "utf8"));
  const license = await readFile(`${here}node_modules/${name}/LICENSE`, "utf8");
  notices.push(`${name} ${version}\n\n${license.replaceAll("\r", "").trim()}`);
}
await mkdir(`${here}dist`, { recursive: true });
const result = await build({
  absWorkingDir: here,
  entryPoints: { page: "src/main.tsx" },
  outdir: "dist",
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome110", "firefox115", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  charset: "utf8",
  write: false,
});
for (const file of result.outputFiles) {
  const head = file.path.endsWith(".js") ? `/*\n${notices.join("\n\n")}\n*/\n` : "";
  await writeFile(file.path, head + file.text);
}
for (const name of ["index.html", "favicon.svg"]) {
  await copyFile(`${here}src/${name}`, `${here}dist/${name}`);
}
