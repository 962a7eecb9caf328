// A head seen from above with its sensors, in EMOTIV's colours: black for no
// contact, red, orange, yellow, green. The digit says the same without colour.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Sensor } from "./live";

const words = ["no contact", "very bad", "bad", "fair", "good"];

export function gradeWord(q: number) { return words[q] ?? "unknown"; }

/** The places on the map: sensors whose circles would overlap stand side by side. */
function spread(sensors: Sensor[], least: number): [x: number, y: number][] {
  const at = sensors.map((s): [number, number] => [s.x * 86, -s.y * 86]);
  for (let round = 0; round < 30; round++) {
    for (let i = 0; i < at.length; i++) {
      for (let j = 0; j < i; j++) {
        const [dx, dy] = [at[i][0] - at[j][0], at[i][1] - at[j][1]];
        const d = Math.hypot(dx, dy) || 1;
        if (d >= least) continue;
        const push = (least - d) / 2 / d;
        at[i] = [at[i][0] + dx * push, at[i][1] + dy * push];
        at[j] = [at[j][0] - dx * push, at[j][1] - dy * push];
      }
    }
  }
  return at;
}

export function HeadMap(p: { title: string; sensors: Sensor[]; grade: (name: string) => number | null; onSet?: (name: string, quality: number) => void }) {
  // What was set is shown at once, until the headset has had the time to say it.
  const [asked, setAsked] = useState<Record<string, number>>({});
  useEffect(() => {
    if (Object.keys(asked).length === 0) return;
    const timer = setTimeout(() => setAsked({}), 1500);
    return () => clearTimeout(timer);
  }, [asked]);
  const small = p.sensors.length > 20;
  const r = small ? 8 : 9.2;
  const names = p.sensors.map((s) => s.name).join();
  const at = useMemo(() => spread(p.sensors, 2 * r + 0.6), [names]);
  return (
    <svg class={small ? "headmap many" : "headmap"} viewBox="-112 -122 224 236" role="group" aria-label={`${p.title}, the head seen from above`}>
      <path class="head" d="M-12,-99 L0,-118 L12,-99 M-97,-18 q-14,18 0,36 M97,-18 q14,18 0,36" />
      <circle class="head" r={99} />
      {p.sensors.map((s, i) => {
        const q = asked[s.name] ?? p.grade(s.name);
        const set = (to: number) => {
          if (!p.onSet) return;
          setAsked({ ...asked, [s.name]: to });
          p.onSet(s.name, to);
        };
        const said = q === null ? `${s.name}, no value yet` : `${s.name}, ${q} of 4, ${gradeWord(q)}`;
        return (
          <g key={s.name} class={`sensor q${q ?? "x"}`} transform={`translate(${at[i][0].toFixed(1)},${at[i][1].toFixed(1)})`}
            role={p.onSet ? "button" : "img"} tabindex={p.onSet ? 0 : undefined} aria-label={p.onSet ? `${said}. Press to lower` : said} data-sensor={s.name}
            onClick={() => q !== null && set(q === 0 ? 4 : q - 1)}
            onKeyDown={(e) => {
              if (!p.onSet || q === null) return;
              const to = /^[0-4]$/.test(e.key) ? Number(e.key) : e.key === "ArrowUp" ? Math.min(4, q + 1) : e.key === "ArrowDown" ? Math.max(0, q - 1)
                : e.key === "Enter" || e.key === " " ? (q === 0 ? 4 : q - 1) : -1;
              if (to >= 0) { e.preventDefault(); set(to); }
            }}>
            <title>{said}</title>
            <circle r={r} />
            <text class="place" y={-1.5}>{s.name}</text>
            <text class="digit" y={small ? 5.2 : 6}>{q ?? "?"}</text>
          </g>
        );
      })}
    </svg>
  );
}

export function Grades() {
  return (
    <ul class="grades" aria-label="What the digits mean">
      {words.map((word, q) => <li key={word}><span class={`dot q${q}`}>{q}</span> {word}</li>)}
    </ul>
  );
}
