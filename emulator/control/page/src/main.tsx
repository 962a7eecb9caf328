// The live page: a client of the control API like any other, with no state of
// its own. What clients of the emulator say is shown as text, never as markup.
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import "uplot/dist/uPlot.min.css";
import "./page.css";
import { Refusal, type State, get, poll, setToken } from "./api";
import { Client } from "./client";
import { Signals } from "./signals";
import { Button, Card, Copy, act, onNotice, sinceStart } from "./ui";
import { World } from "./world";

const views = { signals: "Signals", world: "World", client: "Client" } as const;
type View = keyof typeof views;

const viewOf = (hash: string): View => hash.slice(1) in views ? hash.slice(1) as View : "signals";

function Page() {
  const [state, setState] = useState<State | null>(null);
  const [problem, setProblem] = useState("");
  const [locked, setLocked] = useState(false);
  const [view, setView] = useState<View>(viewOf(location.hash));
  const [headset, setHeadset] = useState("");
  const [notices, setNotices] = useState<{ id: number; text: string }[]>([]);
  const number = useRef(0);
  useEffect(() => {
    onNotice((text) => {
      const id = ++number.current;
      setNotices((list) => [...list.slice(-3), { id, text }]);
    });
    const turn = () => setView(viewOf(location.hash));
    addEventListener("hashchange", turn);
    return () => removeEventListener("hashchange", turn);
  }, []);
  useEffect(() => locked ? undefined : poll(500, async (signal) => {
    try {
      setState(await get<State>("/v1/state", signal));
      setProblem("");
    } catch (err) {
      if (signal.aborted) return;
      if (err instanceof Refusal && err.status === 401) setLocked(true);
      setProblem(err instanceof Refusal ? err.message : "The emulator does not answer. Trying again.");
    }
  }), [locked]);
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      if (e.ctrlKey || e.metaKey || e.altKey || (e.target as HTMLElement).closest("input, select, textarea, .sensor")) return;
      const at = ["1", "2", "3"].indexOf(e.key);
      if (at >= 0) location.hash = Object.keys(views)[at];
      else if (e.key === "p" && state) void act("POST", state.clock.paused ? "/v1/clock/resume" : "/v1/clock/pause");
      else if (e.key === ".") void act("POST", "/v1/clock/advance", { duration: "1s" });
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [state?.clock.paused]);
  if (locked) return <Unlock why={problem} onToken={(token) => { setToken(token); setProblem(""); setLocked(false); }} />;
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to the view</a>
      <header class="top">
        <h1><img src="favicon.svg" alt="" width={22} height={22} /> fakecortex</h1>
        <nav aria-label="Views">
          {(Object.keys(views) as View[]).map((v) => <a key={v} href={`#${v}`} aria-current={v === view ? "page" : undefined}>{views[v]}</a>)}
        </nav>
        {state && <div class="status">
          <span title="Scenario in force">{state.scenario}</span>
          <span class="clock" title="Virtual time since the start">{sinceStart(state.clock.now, state.clock.start)}</span>
          <span class="badge">{state.clock.paused ? "⏸ paused" : state.clock.clock}</span>
          {state.clock.clock !== "manual" || state.clock.paused ?
            <Button label={state.clock.paused ? "Let the clock go on" : "Pause the clock"} onClick={() => act("POST", state.clock.paused ? "/v1/clock/resume" : "/v1/clock/pause")}>
              {state.clock.paused ? "Resume" : "Pause"}</Button>
            : <Button label="Let a second pass" onClick={() => act("POST", "/v1/clock/advance", { duration: "1s" })}>+1 s</Button>}
          <span class="hint">{state.connections.length} {state.connections.length === 1 ? "client" : "clients"}</span>
        </div>}
      </header>
      <div class="notices" aria-live="assertive">
        {problem && <p class="notice">{problem}</p>}
        {notices.map((n) => (
          <p class="notice" key={n.id}><span>{n.text}</span><Button label="Close this notice" onClick={() => setNotices(notices.filter((x) => x.id !== n.id))}>Close</Button></p>
        ))}
      </div>
      <main id="main" tabIndex={-1} aria-label={views[view]}>
        {!state ? <p class="hint">Waiting for the emulator.</p> : <>
          {state.connections.length === 0 && <Welcome state={state} open={view === "client"} />}
          {view === "signals" && <Signals state={state} headset={headset} onHeadset={setHeadset} />}
          {view === "world" && <World state={state} headset={headset} onHeadset={setHeadset} />}
          {view === "client" && <Client state={state} />}
        </>}
      </main>
      <footer class="hint">Keys: 1 2 3 choose a view, p pauses, . lets a second pass. Everything here is the control API: <a href="openapi.yaml">openapi.yaml</a></footer>
    </>
  );
}

function Unlock(p: { why: string; onToken: (token: string) => void }) {
  const [token, setOwn] = useState("");
  return (
    <main class="unlock">
      <Card title="fakecortex">
        <p>This emulator was started with <code>--control-token</code>.</p>
        {p.why && <p class="hint" role="alert">{p.why}</p>}
        <form onSubmit={(e) => { e.preventDefault(); p.onToken(token.trim()); }}>
          <label class="field"><span>Control token</span><input type="password" autocomplete="off" value={token} onInput={(e) => setOwn(e.currentTarget.value)} /></label>
          <button type="submit" class="strong" disabled={!token.trim()}>Open</button>
        </form>
        <p class="hint">It is kept in this tab only.</p>
      </Card>
    </main>
  );
}

/** The first three lines of a client, in each language. */
function snippets(url: string, ca: string): Record<string, string> {
  const request = `{"id":1,"jsonrpc":"2.0","method":"queryHeadsets"}`;
  return {
    Python: `import ssl, websocket  # pip install websocket-client
ws = websocket.create_connection("${url}", sslopt={"ca_certs": "${ca}"})
ws.send('${request}'); print(ws.recv())`,
    "Node.js": `const ws = new (require("ws"))("${url}", { ca: require("fs").readFileSync("${ca}") });  // npm install ws
ws.on("open", () => ws.send('${request}'));
ws.on("message", (m) => console.log(\`\${m}\`));`,
    "C#": `var ws = new System.Net.WebSockets.ClientWebSocket();  // once: trust ${ca} in the system
await ws.ConnectAsync(new Uri("${url}"), default);
await ws.SendAsync(System.Text.Encoding.UTF8.GetBytes("""${request}"""), System.Net.WebSockets.WebSocketMessageType.Text, true, default);`,
    Go: `pem, _ := os.ReadFile("${ca}"); pool := x509.NewCertPool(); pool.AppendCertsFromPEM(pem)
ws, _, _ := websocket.Dial(ctx, "${url}", &websocket.DialOptions{HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}})
ws.Write(ctx, websocket.MessageText, []byte(\`${request}\`)); _, m, _ := ws.Read(ctx); fmt.Printf("%s\\n", m)`,
    Browser: `// once: trust ${ca} in the browser or the system
const ws = new WebSocket("${url}"); ws.onmessage = (m) => console.log(m.data);
ws.onopen = () => ws.send('${request}');`,
  };
}

function Welcome(p: { state: State; open: boolean }) {
  const [language, setLanguage] = useState("Python");
  const ca = p.state.caFile || "ca.pem";
  const all = snippets(p.state.url, "rootCA.pem");
  const text = all[language].replaceAll("rootCA.pem", ca.replaceAll("\\", "/"));
  return (
    <Card title="No client is connected" wide>
      <p>Connect yours to <code id="url">{p.state.url || "this emulator in memory: it has no listener"}</code>. It must trust the certificate
        {" "}{p.state.caFile ? <>in <code>{p.state.caFile}</code>, which is also at </> : "at "}<a href="ca.pem" download="rootCA.pem">ca.pem</a>.</p>
      <details open={p.open}>
        <summary>Three lines to begin with</summary>
        <div class="row" role="group" aria-label="Language">
          {Object.keys(all).map((name) => <Button key={name} pressed={name === language} onClick={() => setLanguage(name)}>{name}</Button>)}
          <Copy text={text} />
        </div>
        <pre tabIndex={0} aria-label={`A client in ${language}`}>{text}</pre>
      </details>
    </Card>
  );
}

render(<Page />, document.getElementById("page")!);
