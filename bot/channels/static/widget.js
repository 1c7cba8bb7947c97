// @ts-check
/*
 * <wegwijzer-chat>: the chat window of Wegwijzer as one web component, without any other file.
 * The server puts the Dutch texts (content/widget.yml) in the place of the empty JSON below. See docs/web.md.
 */
(() => {
  "use strict";

  /**
   * @typedef {{exitUrl: string, origins: string[], maxCharacters: number, start: string[], starters: string[], whoReads: string[], eraseAsk: string,
   *   erased: string, refuseReview: string, labels: Record<string, string>, states: Record<string, string>,
   *   errors: Record<string, string>}} Texts
   * @typedef {{id?: string, title: string}} Option an option without an id is sent as text
   * @typedef {{kind: string, value: string, label: string, state: string}} Reach
   * @typedef {{type: string, text: string, options?: Option[], title?: string, body?: string, avoid?: string | null, platform?: string,
   *   name?: string, what?: string, for_whom?: string, why?: string, channels?: Reach[], state?: string, opening?: string,
   *   notes?: string[], id?: string, asks_helpful?: boolean}} BotMessage
   * @typedef {{client: string, text: string}} UserMessage
   * @typedef {{id: string, text: string, button?: string, failed?: boolean}} Unsent failed: the user decides whether it goes again
   * @typedef {{token?: string, open?: boolean, helped?: boolean, ticks: string[], unsent: Unsent[], draft: string, exitErases: boolean}} Kept
   * @typedef {string} State connecting, online, reconnecting, offline, other_tab, or the code of a refusal
   * @typedef {{
   *   bot: (message: BotMessage, id: number) => void, user: (message: UserMessage) => void, typing: (on: boolean) => void,
   *   state: (state: State) => void, ended: (code: string) => void, reset: () => void, batch: () => void}} Listener
   */

  const TEXTS = /** @type {Texts} */ (JSON.parse("{}"));
  const { labels: LABELS, states: STATES, errors: ERRORS } = TEXTS;

  const script = document.currentScript;
  const HOME = new URL(".", (script instanceof HTMLScriptElement && script.src) || location.href).href;

  const STORE = "wegwijzer";
  const LEFT = "wegwijzer-left";
  /** The server says something at least every 15 seconds; longer silence means that the connection is dead. */
  const SILENCE_MS = 40000;
  /** A network that holds a stream back for this long gets long polling. */
  const FIRST_BYTE_MS = 6000;
  const HIDDEN_MS = 60000;
  const RETRIES_MS = [700, 2000, 4000];

  // --- what is kept in this tab, or on this device when the user asks for it --------------------------------------------

  /** @returns {Kept} */
  const nothing = () => ({ ticks: [], unsent: [], draft: "", exitErases: false });

  class Memory {
    constructor() {
      this.onDevice = Memory.#read("localStorage") !== null;
      /** @type {Kept} */
      this.kept = { ...nothing(), ...(Memory.#read("localStorage") ?? Memory.#read("sessionStorage") ?? {}) };
    }

    /** @param {"localStorage" | "sessionStorage"} place */
    static #read(place) {
      try {
        return JSON.parse(window[place].getItem(STORE) ?? "null");
      } catch {
        return null;
      }
    }

    /** @param {Partial<Kept>} changes */
    set(changes) {
      Object.assign(this.kept, changes);
      try {
        window[this.onDevice ? "localStorage" : "sessionStorage"].setItem(STORE, JSON.stringify(this.kept));
        window[this.onDevice ? "sessionStorage" : "localStorage"].removeItem(STORE);
      } catch {
        // Storage is switched off or full: the conversation still works until the page is closed.
      }
    }

    /** @param {boolean} on */
    keepOnDevice(on) {
      this.onDevice = on;
      this.set({});
    }

    /** Forget what is in this tab; with `device` what is on the device too. @param {boolean} device */
    forget(device) {
      try {
        sessionStorage.removeItem(STORE);
        if (device) localStorage.removeItem(STORE);
      } catch {
        // Nothing was kept.
      }
      if (device) this.onDevice = false;
      this.kept = { ...nothing(), exitErases: this.kept.exitErases };
    }
  }

  // --- talking to the server ----------------------------------------------------------------------------------------------

  /** The server said no. */
  class Refused extends Error {
    /** @param {string} code @param {number} status @param {number} wait seconds */
    constructor(code, status, wait) {
      super(code);
      this.code = code;
      this.status = status;
      this.wait = wait;
    }

    /** Whether nothing at all is taken from here, now. */
    get shut() {
      return this.status === 403 || this.status === 429;
    }

    /** Whether the conversation itself is over. */
    get over() {
      return this.status === 401 || this.status === 410;
    }
  }

  /** @param {Response} response @returns {Promise<Response>} */
  async function checked(response) {
    if (response.ok) return response;
    const body = await response.json().catch(() => null);
    const code = body?.error?.code in ERRORS ? body.error.code : "internal";
    throw new Refused(code, response.status, Number(response.headers.get("Retry-After")) || 0);
  }

  /** @param {number} ms @returns {Promise<void>} */
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  class Connection {
    #listener;
    #last = 0;
    #polling = false;
    #typing = false;
    /** @type {object | undefined} the loop that listens now; another one may still be on its way out */
    #loop;
    #fails = 0;
    #waiting = () => {};
    #abort = new AbortController();

    /** @param {string} server @param {Listener} listener @param {string | undefined} token */
    constructor(server, listener, token) {
      this.server = server;
      this.#listener = listener;
      this.token = token;
    }

    /** @param {string} path @param {RequestInit & {headers?: Record<string, string>}} [init] */
    #fetch(path, init = {}) {
      /** @type {Record<string, string>} */
      const headers = { ...init.headers };
      if (this.token) headers.Authorization = `Bearer ${this.token}`;
      return fetch(this.server + path, { cache: "no-store", credentials: "omit", ...init, headers }).then(checked);
    }

    /** @param {string} path @param {object} body @param {boolean} [keepalive] it must outlive the page */
    #post(path, body, keepalive) {
      return this.#fetch(path, { method: "POST", keepalive, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    }

    /** Make sure that there is a conversation. @returns {Promise<string>} its token */
    async begin() {
      if (!this.token) {
        this.#last = 0;
        const answer = await (await this.#post("chat/session", { greeted: true })).json();
        this.token = answer.token;
      }
      return /** @type {string} */ (this.token);
    }

    /** A fresh token for a conversation that goes on. @returns {Promise<string>} */
    async renew() {
      const answer = await (await this.#post("chat/session", {})).json();
      this.token = answer.token;
      return answer.token;
    }

    /** @param {Unsent} message */
    async send({ id, text, button }) {
      await this.#post("chat/message", button ? { id, button } : { id, text });
    }

    /** @param {boolean} leaving the page goes away: the request must outlive it */
    async erase(leaving) {
      if (this.token) await this.#fetch("chat/session", { method: "DELETE", keepalive: leaving });
    }

    /** Listen until :stop. */
    async listen() {
      if (this.#loop || !this.token) return;
      const loop = {};
      this.#loop = loop;
      this.#fails = 0;
      this.#listener.state("connecting");
      while (this.#loop === loop) {
        this.#abort = new AbortController();
        let refused = "";
        let wait = 0;
        try {
          await (this.#polling ? this.#poll() : this.#stream());
        } catch (error) {
          if (this.#loop !== loop) return;
          if (error instanceof Refused) {
            if (error.over) {
              this.stop();
              this.#listener.ended(error.code);
              return;
            }
            this.#fails = Math.max(this.#fails, 4);
            refused = error.code;
            wait = error.wait * 1000;
          }
          this.#fails += 1;
        }
        if (this.#loop !== loop) return;
        if (this.#fails) {
          this.#listener.state(refused || (navigator.onLine ? "reconnecting" : "offline"));
          await this.#pause(Math.max(wait, Math.min(15000, 400 * 2 ** this.#fails) * (0.5 + Math.random() / 2)));
        }
      }
    }

    stop() {
      this.#loop = undefined;
      this.#abort.abort();
      this.#waiting();
    }

    /** Look again now: the network is back, or the phone woke up. */
    retry() {
      this.#waiting();
    }

    /** Forget the conversation. */
    drop() {
      this.stop();
      this.token = undefined;
      this.#last = 0;
    }

    /** @param {number} ms @returns {Promise<void>} */
    #pause(ms) {
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }

    /** What the user did beside the messages. The page may be on its way out (a tap on a number), and nothing waits for this. @param {object} what */
    report(what) {
      this.#post("chat/feedback", what, true).catch(() => {});
    }

    async #stream() {
      const abort = this.#abort;
      let patience = setTimeout(() => abort.abort(), FIRST_BYTE_MS);
      let began = false;
      try {
        const response = await this.#fetch("chat/events", { headers: { "Last-Event-ID": String(this.#last) }, signal: abort.signal });
        const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
        const decoder = new TextDecoder();
        let text = "";
        for (;;) {
          const { done, value } = await reader.read();
          if (done) {
            this.#fails ||= 1;
            return;
          }
          if (!began) this.#up();
          began = true;
          clearTimeout(patience);
          patience = setTimeout(() => abort.abort(), SILENCE_MS);
          const parts = (text + decoder.decode(value, { stream: true })).split("\n\n");
          text = /** @type {string} */ (parts.pop());
          for (const part of parts) this.#event(part);
          this.#listener.batch();
        }
      } catch (error) {
        // An answer that never begins is what a proxy does that holds streams back.
        if (abort.signal.aborted && !began && this.#loop && navigator.onLine) this.#polling = true;
        throw error;
      } finally {
        clearTimeout(patience);
      }
    }

    async #poll() {
      const query = `after=${this.#last}&typing=${this.#typing ? 1 : 0}`;
      const abort = this.#abort;
      const patience = setTimeout(() => abort.abort(), SILENCE_MS);
      try {
        const answer = await (await this.#fetch(`chat/poll?${query}`, { signal: abort.signal })).json();
        this.#up();
        if (answer.reset) this.#reset();
        for (const event of answer.events) this.#take(event.kind, event.data, event.id);
        this.#tell(answer.typing);
        this.#listener.batch();
      } finally {
        clearTimeout(patience);
      }
    }

    #up() {
      this.#fails = 0;
      this.#listener.state("online");
    }

    #reset() {
      this.#last = 0;
      this.#listener.reset();
    }

    /** @param {boolean} on */
    #tell(on) {
      this.#typing = on;
      this.#listener.typing(on);
    }

    /** @param {string} part one event of the stream */
    #event(part) {
      const fields = Object.fromEntries(part.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
      if (fields.event) this.#take(fields.event, JSON.parse(fields.data), Number(fields.id));
    }

    /** @param {string} kind @param {any} data @param {number} id */
    #take(kind, data, id) {
      if (kind === "bot" || kind === "user") {
        if (id <= this.#last) return;
        this.#last = id;
        if (kind === "bot") this.#listener.bot(data, id);
        else this.#listener.user(data);
      } else if (kind === "typing") this.#tell(data.on);
      else if (kind === "reset") this.#reset();
      else if (kind === "ended") {
        this.stop();
        this.#listener.ended(`session_${data.why}`);
      } else if (kind === "closed" && data.why === "replaced") {
        this.stop();
        this.#listener.state("other_tab");
      }
    }
  }

  // --- building blocks ------------------------------------------------------------------------------------------------------

  /**
   * An element. Text is always set as text: nothing that a person or the bot says is ever read as HTML.
   * @template {keyof HTMLElementTagNameMap} K
   * @param {K} tag @param {Record<string, string | boolean | EventListener | undefined>} [properties]
   * @param {(Node | string | null | undefined | false)[]} children
   * @returns {HTMLElementTagNameMap[K]}
   */
  function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (typeof value === "function") element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== undefined) element.setAttribute(name, value);
    }
    element.append(.../** @type {(Node | string)[]} */ (children.filter((child) => child !== null && child !== undefined && child !== false)));
    return element;
  }

  const ICONS = {
    chat: "M4 4h16a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H10l-5 4v-4H4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z",
    phone: "M6 2h4l2 5-3 2a12 12 0 0 0 6 6l2-3 5 2v4a3 3 0 0 1-3 3A17 17 0 0 1 3 5a3 3 0 0 1 3-3z",
    mail: "M3 5h18v14H3zM3 6l9 7 9-7",
    web: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
    walk_in: "M12 2a7 7 0 0 1 7 7c0 5-7 13-7 13S5 14 5 9a7 7 0 0 1 7-7zM12 6a3 3 0 1 0 0 6 3 3 0 0 0 0-6",
    send: "M3 11 21 3l-7 18-3-7z",
    close: "M5 5l14 14M19 5 5 19",
    exit: "M13 4H5v16h8M10 12h11M17 8l4 4-4 4",
    down: "M12 4v15M5 13l7 7 7-7",
    copy: "M8 8h12v12H8zM16 8V4H4v12h4",
    lock: "M5 11h14v10H5zM8 11V7a4 4 0 0 1 8 0v4",
    bin: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
  };

  /** @param {string} name */
  function icon(name) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", ICONS[/** @type {keyof typeof ICONS} */ (name)] ?? ICONS.web);
    svg.append(path);
    return svg;
  }

  const WEB = /https:\/\/[^\s<>"']+[^\s<>"'.,;:!?)]/g;

  /** Text with its web addresses as links. @param {string} text @returns {(Node | string)[]} */
  function linked(text) {
    /** @type {(Node | string)[]} */
    const parts = [];
    let from = 0;
    for (const match of text.matchAll(WEB)) {
      parts.push(text.slice(from, match.index), outward(match[0], match[0].replace("https://", "")));
      from = match.index + match[0].length;
    }
    return [...parts, text.slice(from)];
  }

  /** A link that opens beside the conversation and does not tell where it was. @param {string} url @param {...(Node | string)} children */
  const outward = (url, ...children) =>
    make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...children, hidden(` (${LABELS.new_window})`));

  /** Only for screen readers. @param {string} text */
  const hidden = (text) => make("span", { class: "hidden" }, text);

  /** @param {string} text @returns {HTMLElement[]} */
  const paragraphs = (text) => text.split("\n").filter(Boolean).map((line) => make("p", {}, ...linked(line)));

  /** @param {string} text @param {string} name @param {EventListener} onclick @param {string} [kind] */
  const button = (text, name, onclick, kind = "") => make("button", { type: "button", class: kind, onclick }, icon(name), make("span", {}, text));

  /** @param {Reach} reach @returns {string | null} where a tap goes; nothing but these kinds of address */
  function address({ kind, value }) {
    if (kind === "phone") return `tel:${value.replace(/[^0-9+]/g, "")}`;
    if (kind === "mail" && /^[^\s@?&]+@[^\s@?&]+$/.test(value)) return `mailto:${value}`;
    return (kind === "chat" || kind === "web") && value.startsWith("https://") ? value : null;
  }

  // --- the component --------------------------------------------------------------------------------------------------------

  class WegwijzerChat extends HTMLElement {
    static observedAttributes = ["chat-title", "start-text"];

    #root = this.attachShadow({ mode: "open" });
    #memory = new Memory();
    #life = new AbortController();
    /** @type {BroadcastChannel | undefined} */
    #tabs;
    #connection = new Connection("", this.#listener(), this.#memory.kept.token);
    /** @type {Map<string, HTMLElement>} own messages by id */
    #own = new Map();
    #sending = false;
    #leaving = false;
    #started = false;
    #shifts = /** @type {number[]} */ ([]);
    #hiddenTimer = 0;
    #quietTimer = 0;
    #stateTimer = 0;
    /** @type {State | ""} */
    #state = "";
    #fresh = 0;
    /** Whoever scrolls to read is left alone until the next message of their own. */
    #following = true;
    /** @type {Element | null} */
    #before = null;

    constructor() {
      super();
      this.#root.adoptedStyleSheets = [STYLE];
      this.#build();
    }

    get #server() {
      const given = this.getAttribute("server");
      return given ? new URL(given.endsWith("/") ? given : `${given}/`, location.href).href : HOME;
    }

    /** Whether the server takes what comes from this site; a browser does not tell a page that it was refused. */
    get #welcome() {
      return this.hasAttribute("server") || location.origin === new URL(HOME).origin || TEXTS.origins.includes(location.origin);
    }

    /** @template {HTMLElement} T @param {string} name @returns {T} */
    #part(name) {
      return /** @type {T} */ (this.#root.getElementById(name));
    }

    get #log() {
      return this.#part("log");
    }

    get #input() {
      return /** @type {HTMLTextAreaElement} */ (this.#part("input"));
    }

    get #isPage() {
      return this.getAttribute("mode") === "page";
    }

    // --- building ---

    #build() {
      const form = make(
        "form",
        { id: "form", onsubmit: (event) => this.#submit(event) },
        make("label", { class: "hidden", for: "input" }, LABELS.input),
        make("textarea", {
          id: "input", rows: "1", enterkeyhint: "send", autocomplete: "off", placeholder: LABELS.placeholder,
          "aria-describedby": "count",
          oninput: () => this.#typed(),
          onkeydown: (event) => this.#key(/** @type {KeyboardEvent} */ (event)),
        }),
        make("button", { id: "send", type: "submit", "aria-label": LABELS.send }, icon("send")),
        make("p", { id: "count", role: "status" }),
      );
      const links = make(
        "div",
        { id: "links" },
        button(LABELS.who_reads, "lock", () => this.#sheet(this.#whoReads())),
        button(LABELS.erase, "bin", () => this.#sheet(this.#eraseAsk())),
      );
      const panel = make(
        "section",
        { id: "panel", hidden: true, "aria-labelledby": "title" },
        make(
          "div",
          { id: "head" },
          this.#exit(),
          make("div", { id: "name" }, make("div", { id: "title", role: "heading" }), make("div", { id: "subtitle" }, LABELS.subtitle)),
          make("button", { id: "close", type: "button", "aria-label": LABELS.close_chat, onclick: () => this.close() }, icon("close")),
        ),
        make("p", { id: "state", role: "status" }),
        make(
          "div",
          { id: "talk" },
          make("div", { id: "log", role: "log", "aria-label": LABELS.log, tabindex: "0", onscroll: () => this.#scrolled() }),
          make("button", { id: "further", type: "button", "aria-label": LABELS.further, hidden: true, onclick: () => this.#further() }, icon("down")),
        ),
        form,
        links,
        make("div", { id: "sheet", hidden: true, role: "dialog", "aria-labelledby": "sheet-title" }),
      );
      panel.addEventListener("keydown", (event) => this.#panelKey(event));
      for (const name of ["wheel", "touchmove"]) panel.addEventListener(name, () => (this.#following = false), { passive: true });
      const launcher = make(
        "button",
        { id: "launcher", type: "button", "aria-expanded": "false", onclick: () => this.open() },
        icon("chat"),
        make("span", {}, LABELS.open_chat),
      );
      // The way out is there before the chat is open too, and comes first.
      this.#root.append(make("div", { id: "all", lang: "nl" }, panel, make("div", { id: "dock" }, this.#exit(), launcher)));
    }

    #exit() {
      return make("button", { class: "exit", type: "button", title: LABELS.exit_hint, onclick: () => this.leave() }, icon("exit"), make("span", {}, LABELS.exit));
    }

    connectedCallback() {
      this.#life = new AbortController();
      const { signal } = this.#life;
      if (this.#cameBack()) return;
      this.#connection.server = this.#server;
      this.#part("title").textContent = this.getAttribute("chat-title") ?? LABELS.title;
      this.#part("title").setAttribute("aria-level", this.#isPage ? "1" : "2");
      this.#part("panel").setAttribute("role", this.#isPage ? "region" : "dialog");
      this.#part("close").hidden = this.#isPage;
      this.#part("dock").hidden = this.#isPage;
      document.addEventListener("keydown", (event) => this.#shift(event), { signal, capture: true });
      addEventListener("pageshow", (event) => event.persisted && this.#cameBack(), { signal });
      addEventListener("online", () => this.#awake(), { signal });
      addEventListener("offline", () => this.#show("offline"), { signal });
      document.addEventListener("visibilitychange", () => this.#visibility(), { signal });
      for (const name of ["resize", "scroll"]) window.visualViewport?.addEventListener(name, () => this.#fit(), { signal });
      this.#fit();
      this.#shareTabs();
      if (this.#isPage || this.hasAttribute("open") || this.#memory.kept.open) this.open(false);
      else if (this.#connection.token) this.#start();
      this.#connection.listen();
    }

    disconnectedCallback() {
      this.#life.abort();
      this.#connection.stop();
      this.#tabs?.close();
    }

    attributeChangedCallback() {
      this.#part("title").textContent = this.getAttribute("chat-title") ?? LABELS.title;
    }

    // --- opening and closing ---

    /** Open the window. @param {boolean} [focus] move the focus into it */
    open(focus = true) {
      this.#part("panel").hidden = false;
      this.#part("dock").hidden = true;
      this.#part("launcher").setAttribute("aria-expanded", "true");
      this.removeAttribute("unread");
      if (!this.#isPage) this.#memory.set({ open: true });
      if (!this.#started) this.#start();
      if (focus) this.#focusAfter();
    }

    /** Where the focus goes on: the input, but on a touch screen that would bring up the keyboard over what is to be read. */
    #focusAfter() {
      (matchMedia("(hover: hover)").matches ? this.#input : this.#log).focus({ preventScroll: true });
    }

    /** Close the window; the conversation stays. */
    close() {
      this.#closeSheet();
      this.#part("panel").hidden = true;
      this.#part("dock").hidden = false;
      this.#part("launcher").setAttribute("aria-expanded", "false");
      this.#memory.set({ open: false });
      this.#part("launcher").focus();
    }

    #start() {
      this.#started = true;
      this.#greet();
      if (!this.#welcome) this.#notice(ERRORS.origin_refused, "error");
      const { draft, unsent, token } = this.#memory.kept;
      this.#input.value = draft;
      this.#typed();
      if (token) {
        this.#quiet();
        this.#connection.renew().then(
          (fresh) => this.#memory.set({ token: fresh }),
          () => {}, // The stream tells what is wrong, in words.
        );
      }
      for (const message of unsent) {
        const bubble = this.#bubble(message);
        if (message.failed) this.#failed(bubble, message);
      }
      this.#settle();
      // What was on its way when the page was loaded again goes again under its own id: the server takes it once.
      this.#flush();
    }

    /** The bot's first words, and sentences to begin with. */
    #greet() {
      const [first, ...rest] = TEXTS.start;
      for (const text of [this.getAttribute("start-text") ?? first, ...rest]) this.#bot({ type: "text", text }, 0);
      this.#starters();
    }

    #starters() {
      this.#chips(TEXTS.starters.map((title) => ({ title })));
    }

    /** Another tab of this site may hold the conversation: it is asked, and nothing has to be kept on the device for it. */
    #shareTabs() {
      this.#tabs = new BroadcastChannel(STORE);
      this.#tabs.onmessage = ({ data }) => {
        if (data.ask && this.#connection.token) this.#tabs?.postMessage({ token: this.#connection.token });
        else if (data.token && !this.#connection.token && this.#own.size === 0) this.#join(data.token);
        else if (data.leave && !this.#leaving) this.leave();
      };
      if (!this.#memory.kept.token) this.#tabs.postMessage({ ask: true });
    }

    /** @param {string} token */
    #join(token) {
      this.#connection.token = token;
      this.#memory.set({ token });
      if (this.#started) this.#quiet();
      else this.#start();
      this.#connection.listen();
    }

    // --- leaving ---

    /** Blank the page at once, erase if the user wishes so, go to a neutral site; Back does not return. */
    leave() {
      if (this.#leaving) return;
      this.#leaving = true;
      const target = this.getAttribute("exit-url") ?? TEXTS.exitUrl;
      const erase = this.#memory.kept.exitErases;
      this.#tabs?.postMessage({ leave: true });
      document.documentElement.replaceChildren();
      document.title = new URL(target).hostname;
      const erased = erase ? this.#connection.erase(true).catch(() => {}) : Promise.resolve();
      this.#memory.forget(erase);
      try {
        sessionStorage.setItem(LEFT, "1");
      } catch {
        // Without storage an earlier page of this site can be reached with Back; this one cannot.
      }
      Promise.race([erased, sleep(400)]).then(() => location.replace(target));
    }

    /** After leaving, Back may lead to an earlier page of this site with the chat on it: it leaves again. @returns {boolean} */
    #cameBack() {
      const [entry] = performance.getEntriesByType("navigation");
      const back = entry instanceof PerformanceNavigationTiming && entry.type === "back_forward";
      try {
        if (sessionStorage.getItem(LEFT) === null) return false;
        if (!back) sessionStorage.removeItem(LEFT);
      } catch {
        return false;
      }
      if (back) this.leave();
      return back;
    }

    /** Three times Shift, alone, within two seconds. @param {KeyboardEvent} event */
    #shift(event) {
      if (event.repeat) return;
      if (event.key !== "Shift") {
        this.#shifts = [];
        return;
      }
      this.#shifts = [...this.#shifts, event.timeStamp].filter((time) => event.timeStamp - time < 2000);
      if (this.#shifts.length >= 3) this.leave();
    }

    // --- sheets over the conversation; "Snel weg" stays in reach ---

    /** @param {HTMLElement[]} children */
    #sheet(children) {
      const sheet = this.#part("sheet");
      this.#before = this.#root.activeElement;
      sheet.replaceChildren(...children);
      sheet.hidden = false;
      for (const name of ["talk", "form", "links"]) this.#part(name).inert = true;
      this.#part("sheet-title").focus();
    }

    #closeSheet() {
      const sheet = this.#part("sheet");
      if (sheet.hidden) return;
      sheet.hidden = true;
      sheet.replaceChildren();
      for (const name of ["talk", "form", "links"]) this.#part(name).inert = false;
      if (this.#before instanceof HTMLElement) this.#before.focus();
    }

    /** @param {string} text */
    #sheetTitle(text) {
      return make("div", { id: "sheet-title", role: "heading", "aria-level": this.#isPage ? "2" : "3", tabindex: "-1" }, text);
    }

    #whoReads() {
      const { kept } = this.#memory;
      return [
        this.#sheetTitle(LABELS.who_reads),
        ...TEXTS.whoReads.flatMap(paragraphs),
        make(
          "div",
          { class: "row" },
          button(LABELS.refuse_review, "lock", () => {
            this.#closeSheet();
            this.#say({ title: TEXTS.refuseReview });
          }),
        ),
        this.#switch(LABELS.exit_erases, kept.exitErases, STATES.exit_hint, (on) => this.#memory.set({ exitErases: on })),
        this.#switch(LABELS.keep_on_device, this.#memory.onDevice, STATES.keep_hint, (on) => this.#memory.keepOnDevice(on)),
        make(
          "div",
          { class: "row" },
          button(LABELS.back, "chat", () => this.#closeSheet(), "primary"),
          button(LABELS.erase, "bin", () => {
            this.#closeSheet();
            this.#sheet(this.#eraseAsk());
          }),
        ),
      ];
    }

    /** @param {string} text @param {boolean} on @param {string} hint @param {(on: boolean) => void} changed */
    #switch(text, on, hint, changed) {
      const box = make("input", { type: "checkbox", onchange: () => changed(box.checked) });
      box.checked = on;
      return make("label", { class: "switch" }, box, make("span", {}, make("b", {}, text), make("small", {}, hint)));
    }

    #eraseAsk() {
      return [
        this.#sheetTitle(LABELS.erase),
        ...paragraphs(TEXTS.eraseAsk),
        make(
          "div",
          { class: "row" },
          button(LABELS.erase_yes, "bin", () => this.#erase(), "danger"),
          button(LABELS.erase_no, "chat", () => this.#closeSheet()),
        ),
      ];
    }

    async #erase() {
      this.#closeSheet();
      try {
        await this.#connection.erase(false);
      } catch (error) {
        this.#notice(error instanceof Refused ? ERRORS[error.code] : STATES.reconnecting, "error");
        return;
      }
      this.#ended("session_erased");
    }

    // --- what the connection tells ---

    /** @returns {Listener} */
    #listener() {
      return {
        bot: (message, id) => this.#bot(message, id),
        user: (message) => this.#confirmed(message),
        typing: (on) => this.#typing(on),
        state: (state) => this.#show(state),
        ended: (code) => this.#ended(code),
        reset: () => this.#clear(),
        batch: () => this.#settle(),
      };
    }

    /** @param {string} code */
    #ended(code) {
      // Whoever erases hears of it twice: as the answer and from the stream.
      if (!this.#connection.token && code === "session_erased") return;
      this.#connection.drop();
      this.#typing(false);
      const { unsent } = this.#memory.kept;
      this.#show("online");
      if (code === "session_erased") {
        this.#clear();
        this.#memory.forget(true);
      } else {
        this.#memory.set({ token: undefined, helped: false, ticks: [] });
        this.#retireChips();
      }
      this.#notice(ERRORS[code], "ended");
      if (code === "session_erased") this.#greet();
      else if (!unsent.length) this.#starters();
      else for (const message of unsent) this.#failed(/** @type {HTMLElement} */ (this.#own.get(message.id) ?? this.#bubble(message)), message);
      this.#settle();
    }

    #clear() {
      this.#log.replaceChildren();
      this.#own.clear();
      this.#fresh = 0;
    }

    /** History that comes back is not read out as if it were new. */
    #quiet() {
      this.#log.setAttribute("aria-live", "off");
      clearTimeout(this.#quietTimer);
      this.#quietTimer = setTimeout(() => this.#log.setAttribute("aria-live", "polite"), 1500);
    }

    /** @param {State} state */
    #show(state) {
      const before = this.#state;
      this.#state = state;
      clearTimeout(this.#stateTimer);
      const strip = this.#part("state");
      if (state === "online") {
        const recovered = !["", "connecting", "online", "other_tab"].includes(before);
        strip.textContent = recovered && strip.textContent ? STATES.online : "";
        strip.className = recovered ? "good" : "";
        if (recovered) this.#stateTimer = setTimeout(() => (strip.textContent = ""), 3000);
        this.#flush();
        return;
      }
      // A connection that comes within a moment is not worth a word.
      this.#stateTimer = setTimeout(
        () => {
          strip.className = state === "connecting" ? "" : "bad";
          strip.replaceChildren(state === "other_tab" ? make("button", { type: "button", onclick: () => this.#awake() }, STATES.other_tab) : STATES[state] ?? ERRORS[state]);
        },
        state === "connecting" || state === "reconnecting" ? 1200 : 0,
      );
    }

    /** Back from sleep, or back on the network. */
    #awake() {
      this.#connection.retry();
      this.#connection.listen();
      if (!this.#connection.token) this.#show("online");
    }

    #visibility() {
      clearTimeout(this.#hiddenTimer);
      // A page that nobody sees needs no connection; what it misses comes when it is looked at again.
      if (document.hidden) this.#hiddenTimer = setTimeout(() => this.#connection.stop(), HIDDEN_MS);
      else if (this.#started) this.#awake();
    }

    /** The window follows what is left of the screen when the on-screen keyboard is there. */
    #fit() {
      const view = window.visualViewport;
      if (!view) return;
      this.style.setProperty("--view-height", `${Math.round(view.height)}px`);
      this.style.setProperty("--view-top", `${Math.round(view.offsetTop)}px`);
      this.#scrolled();
    }

    // --- sending ---

    /** @param {Event} event */
    #submit(event) {
      event.preventDefault();
      const text = this.#input.value.trim();
      if (!text) return;
      if (text.length > TEXTS.maxCharacters) {
        this.#typed();
        return;
      }
      this.#input.value = "";
      this.#typed();
      this.#say({ title: text });
    }

    /** Enter sends, Shift and Enter begins a new line. @param {KeyboardEvent} event */
    #key(event) {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.#submit(event);
    }

    #typed() {
      const { value } = this.#input;
      this.#input.style.height = "auto";
      this.#input.style.height = `${this.#input.scrollHeight + 2}px`;
      const left = TEXTS.maxCharacters - value.trim().length;
      this.#input.setAttribute("aria-invalid", String(left < 0));
      this.#part("count").textContent = left < 0 ? ERRORS.too_long : left < 200 ? STATES.characters_left.replace("{count}", String(left)) : "";
      this.#memory.set({ draft: value });
    }

    /** @param {Option} option */
    #say({ id, title }) {
      const message = { id: crypto.getRandomValues(new Uint32Array(4)).join("-"), text: title, ...(id && { button: id }) };
      this.#memory.set({ unsent: [...this.#memory.kept.unsent, message] });
      this.#bubble(message);
      this.#settle(true);
      this.#flush();
    }

    /** Send what waits, one after the other, in the order in which it was said. */
    async #flush() {
      if (this.#sending) return;
      this.#sending = true;
      try {
        for (let message; (message = this.#memory.kept.unsent.find(({ id }) => !this.#isFailed(id))); ) {
          if (!(await this.#deliver(message))) return;
        }
      } finally {
        this.#sending = false;
      }
    }

    /** @param {string} id */
    #isFailed(id) {
      return this.#own.get(id)?.classList.contains("failed") ?? false;
    }

    /** @param {Unsent} message @returns {Promise<boolean>} whether the next one may go */
    async #deliver(message) {
      const bubble = /** @type {HTMLElement} */ (this.#own.get(message.id) ?? this.#bubble(message));
      for (let attempt = 0; ; attempt += 1) {
        try {
          this.#memory.set({ token: await this.#connection.begin() });
          this.#typing(true);
          this.#connection.listen();
          await this.#connection.send(message);
          this.#delivered(message.id);
          return true;
        } catch (error) {
          this.#typing(false);
          const refusal = error instanceof Refused ? error : null;
          if (refusal?.code === "too_fast") {
            this.#note(bubble, STATES.slow_down);
            await sleep(refusal.wait * 1000);
          } else if (refusal && refusal.status < 500 && !refusal.shut) {
            return this.#refused(refusal, bubble, message);
          } else if (refusal?.shut || attempt >= RETRIES_MS.length || !navigator.onLine) {
            // The ones behind it wait with it: the order of what was said counts.
            for (const waiting of this.#memory.kept.unsent) this.#failed(/** @type {HTMLElement} */ (this.#own.get(waiting.id)), waiting);
            if (refusal) this.#notice(ERRORS[refusal.code], "error");
            return false;
          } else {
            this.#note(bubble, STATES.sending);
            await sleep(RETRIES_MS[attempt]);
          }
        }
      }
    }

    /** Sending it again would not help: what was written is kept, to be changed. @param {Refused} error @param {HTMLElement} bubble @param {Unsent} message */
    #refused(error, bubble, message) {
      if (error.over) {
        this.#ended(error.code);
        return false;
      }
      this.#notice(ERRORS[error.code], "error");
      if (message.button) this.#withdraw(message, bubble);
      else if (this.#input.value) this.#failed(bubble, message);
      else {
        this.#withdraw(message, bubble);
        this.#input.value = message.text;
        this.#typed();
      }
      return true;
    }

    /** @param {string} id */
    #delivered(id) {
      this.#memory.set({ unsent: this.#memory.kept.unsent.filter((message) => message.id !== id) });
      const bubble = this.#own.get(id);
      bubble?.classList.remove("failed");
      bubble?.querySelector(".note")?.remove();
    }

    /** The server has it; it may have been said in another tab. @param {UserMessage} message */
    #confirmed({ client, text }) {
      if (!this.#own.has(client)) this.#bubble({ id: client, text }, this.#place());
      this.#delivered(client);
    }

    /** @param {HTMLElement} bubble @param {string} text @param {...Node} more */
    #note(bubble, text, ...more) {
      bubble.querySelector(".note")?.remove();
      bubble.append(make("div", { class: "note" }, make("span", {}, text), ...more));
    }

    /** A message that could not be sent is kept and offered again. @param {HTMLElement} bubble @param {Unsent} message */
    #failed(bubble, message) {
      message.failed = true;
      this.#memory.set({});
      bubble.classList.add("failed");
      const again = make("button", { type: "button", onclick: () => this.#again() }, LABELS.try_again);
      this.#note(bubble, STATES.not_sent, again, make("button", { type: "button", onclick: () => this.#withdraw(message, bubble) }, LABELS.remove));
      this.#settle();
    }

    /** Everything that waits goes again, in its order. */
    #again() {
      for (const message of this.#memory.kept.unsent) {
        message.failed = false;
        const bubble = this.#own.get(message.id);
        bubble?.classList.remove("failed");
        if (bubble) this.#note(bubble, STATES.sending);
      }
      this.#connection.retry();
      this.#flush();
      this.#focusAfter();
    }

    /** @param {Unsent} message @param {HTMLElement} bubble */
    #withdraw(message, bubble) {
      this.#delivered(message.id);
      this.#own.delete(message.id);
      const chips = bubble.previousElementSibling;
      if (chips instanceof HTMLElement && chips.classList.contains("chips")) chips.hidden = false;
      bubble.remove();
      this.#focusAfter();
    }

    // --- the conversation ---

    /** Where the next thing comes: before what the server does not have yet, so that all is in the server's order. @returns {Element | null} */
    #place() {
      const waiting = this.#memory.kept.unsent.map(({ id }) => this.#own.get(id)).find((bubble) => bubble?.isConnected);
      return waiting ?? this.#log.querySelector(".typing");
    }

    /** @param {HTMLElement} item @param {Element | null} [before] @returns {HTMLElement} */
    #append(item, before = this.#place()) {
      item.style.setProperty("--i", String(Math.min(this.#fresh++, 10)));
      this.#log.insertBefore(item, before);
      return item;
    }

    /** @param {Unsent} message @param {Element | null} [before] @returns {HTMLElement} */
    #bubble({ id, text }, before = this.#log.querySelector(".typing")) {
      this.#retireChips();
      this.#fresh = 0;
      const item = make("div", { class: "user" }, make("div", { class: "bubble" }, hidden(`${LABELS.you}: `), ...paragraphs(text)));
      const bubble = this.#append(item, before);
      this.#own.set(id, bubble);
      return bubble;
    }

    /** Quick replies stay until they are answered, by a tap or in own words. */
    #retireChips() {
      for (const chips of this.#log.querySelectorAll(".chips")) if (chips instanceof HTMLElement) chips.hidden = true;
    }

    /** @param {BotMessage} message @param {number} id */
    #bot(message, id) {
      if (message.type === "tip" || message.type === "step") this.#task(message, id);
      else if (message.type === "helpline") this.#append(this.#card(message));
      else this.#append(make("div", { class: "bot" }, make("div", { class: "bubble" }, hidden(`${LABELS.bot}: `), ...paragraphs(message.text))));
      this.#chips(message.options ?? []);
      if (message.asks_helpful && !this.#memory.kept.helped) this.#askHelpful();
      if (this.#part("panel").hidden) this.toggleAttribute("unread", true);
    }

    /** @param {Option[]} options */
    #chips(options) {
      if (!options.length) return;
      const chips = make("div", { class: "chips", role: "group", "aria-label": LABELS.answers });
      for (const option of options) {
        chips.append(
          make("button", { type: "button", onclick: () => {
            if (chips.hidden) return;
            this.#say(option);
            this.#focusAfter();
          } }, option.title),
        );
      }
      this.#append(chips);
    }

    /** Under an answer, once: did it help? */
    #askHelpful() {
      const answer = (/** @type {string} */ name, /** @type {boolean} */ helpful) =>
        make("button", { type: "button", onclick: () => {
          this.#memory.set({ helped: true });
          this.#connection.report({ helpful });
          row.replaceChildren(make("p", {}, STATES[`thanks_${name}`]));
          this.#focusAfter();
        } }, LABELS[`helpful_${name}`]);
      const row = make("div", { class: "helped", role: "group", "aria-label": LABELS.helpful }, make("p", {}, LABELS.helpful), answer("yes", true), answer("no", false));
      this.#append(row);
    }

    /** A tip or a step that can be ticked; those that follow each other share one list. @param {BotMessage} message @param {number} id */
    #task(message, id) {
      const box = make("input", { type: "checkbox", onchange: () => this.#tick(String(id), box.checked) });
      box.checked = this.#memory.kept.ticks.includes(String(id));
      const item = make(
        "li",
        {},
        make("label", {}, box, make("span", {}, ...(message.title ? [make("b", {}, message.title), ...paragraphs(message.body ?? "")] : paragraphs(message.text)))),
        message.avoid && make("p", { class: "avoid" }, message.avoid),
      );
      const kind = message.type;
      const place = this.#place();
      const last = place ? place.previousElementSibling : this.#log.lastElementChild;
      if (last?.classList.contains(kind)) last.append(item);
      else this.#append(make("ul", { class: `tasks ${kind}`, "aria-label": kind === "tip" ? LABELS.tips : LABELS.steps }, item));
    }

    /** @param {string} id @param {boolean} on */
    #tick(id, on) {
      const others = this.#memory.kept.ticks.filter((tick) => tick !== id);
      this.#memory.set({ ticks: on ? [...others, id] : others });
    }

    /** A help card. @param {BotMessage} message */
    #card(message) {
      const reaches = message.channels ?? [];
      const actions = make("div", { class: "reach" }, ...reaches.map((reach) => this.#reach(reach, message.id)));
      const more = [message.what !== message.why && message.what, ...(message.notes ?? [])];
      return make(
        "article",
        { class: `card ${message.state}`, "aria-label": message.name },
        make(
          "div",
          { class: "top" },
          make("div", { class: "who", role: "heading", "aria-level": this.#isPage ? "2" : "3" }, message.name),
          this.#copy(message),
        ),
        make("p", {}, message.why),
        message.for_whom && make("p", { class: "opening" }, `${LABELS.for_whom}: ${message.for_whom}`),
        message.opening && make("p", { class: "opening now" }, message.opening),
        actions,
        more.some(Boolean) && make("details", {}, make("summary", {}, LABELS.more), ...more.flatMap((text) => (text ? paragraphs(text) : []))),
      );
    }

    /** @param {Reach} reach @param {string | undefined} card */
    #reach(reach, card) {
      const url = address(reach);
      const label = [icon(reach.kind), make("span", {}, reach.state === "closed" ? `${reach.label} (${LABELS.closed_now})` : reach.label)];
      if (!url) return make("p", { class: "place" }, ...label);
      const link = url.startsWith("https:") ? outward(url, ...label) : make("a", { href: url }, ...label);
      link.classList.add(reach.state === "closed" ? "dim" : reach.kind);
      link.addEventListener("click", () => this.#connection.report({ tapped: card }));
      return link;
    }

    /** @param {BotMessage} message */
    #copy(message) {
      if (!navigator.clipboard) return null;
      const text = [message.name, message.why, ...(message.channels ?? []).map(({ label, value }) => (label.includes(value) ? label : `${label}: ${value}`))].join("\n");
      const copy = make("button", { type: "button", "aria-label": `${LABELS.copy_text}: ${message.name}`, onclick: async () => {
        await navigator.clipboard.writeText(text);
        this.#part("state").textContent = LABELS.copied;
        clearTimeout(this.#stateTimer);
        this.#stateTimer = setTimeout(() => (this.#part("state").textContent = ""), 2500);
      } }, icon("copy"));
      return copy;
    }

    /** What the program itself has to say, in the conversation. @param {string} text @param {string} kind */
    #notice(text, kind) {
      this.#append(make("p", { class: `notice ${kind}` }, text), this.#log.querySelector(".typing"));
      this.#settle();
    }

    /** @param {boolean} on */
    #typing(on) {
      const shown = this.#log.querySelector(".typing");
      if (!on) shown?.remove();
      else if (!shown) {
        const dots = [1, 2, 3].map(() => make("i", {}));
        this.#log.append(make("div", { class: "bot typing" }, make("div", { class: "bubble" }, hidden(STATES.typing), ...dots)));
      }
      this.#settle();
    }

    // --- scrolling ---

    /** Show the newest: all of it where it fits, else from what the user said last. @param {boolean} [own] */
    #settle(own = false) {
      const log = this.#log;
      const users = log.querySelectorAll(".user");
      const anchor = users[users.length - 1];
      const end = log.scrollHeight - log.clientHeight;
      const from = anchor instanceof HTMLElement ? anchor.offsetTop - 12 : 0;
      if (own) this.#following = true;
      if (this.#following) log.scrollTop = Math.min(end, Math.max(from, 0));
      this.#scrolled();
    }

    #scrolled() {
      const log = this.#log;
      this.#part("further").hidden = log.scrollHeight - log.clientHeight - log.scrollTop < 60;
    }

    #further() {
      const log = this.#log;
      log.scrollTo({ top: log.scrollTop + log.clientHeight * 0.85 });
      log.focus({ preventScroll: true });
    }

    /** @param {KeyboardEvent} event */
    #panelKey(event) {
      if (event.key === "Escape" && !this.#part("sheet").hidden) {
        this.#closeSheet();
        event.stopPropagation();
      }
      if (event.key === "Tab") this.#keepFocus(event);
    }

    /** A window that covers the whole screen keeps the focus: what lies under it cannot be seen. @param {KeyboardEvent} event */
    #keepFocus(event) {
      const panel = this.#part("panel");
      if (this.#isPage || panel.clientWidth < innerWidth) return;
      const able = [...panel.querySelectorAll("button, a, summary, input, textarea, [tabindex='0']")].filter(
        (element) => element instanceof HTMLElement && element.checkVisibility() && !element.closest("[inert]"),
      );
      const [from, to] = event.shiftKey ? [able[0], able.at(-1)] : [able.at(-1), able[0]];
      if (this.#root.activeElement === from && to instanceof HTMLElement) {
        event.preventDefault();
        to.focus();
      }
    }
  }

  const DARK = `
    --paper: #141c1c; --ink: #eaf1ef; --soft: #a9b9b6; --line: #33423f; --raised: #1e2928; --accent: var(--wegwijzer-accent-dark, #7fd6cb);
    --on-accent: var(--wegwijzer-on-accent-dark, #06201d); --mine: #23504b; --on-mine: #f2fbf9; --warn: #ffb4a2; --warn-paper: #3d1f19; --good: #8fe0a6;
    --exit: #ffd8cc; --on-exit: #3b0f04;`;
  const CONTRAST = `
    --paper: #000; --ink: #fff; --soft: #fff; --line: #fff; --raised: #000; --accent: #ffe600; --on-accent: #000; --mine: #000; --on-mine: #ffe600; --mine-line: #ffe600;
    --warn: #ffb4a2; --warn-paper: #000; --good: #7dff9b; --exit: #fff; --on-exit: #000;`;

  const STYLE = new CSSStyleSheet();
  STYLE.replaceSync(`
    :host {
      --paper: #fffdf9; --ink: #1d2b2a; --soft: #50615e; --line: #ddd5c7; --raised: #f5efe5; --accent: var(--wegwijzer-accent, #0b6660);
      --on-accent: var(--wegwijzer-on-accent, #fff); --mine: var(--accent); --on-mine: var(--on-accent); --warn: #9c2b13; --warn-paper: #fdeae4;
      --good: #176b34; --exit: #9c2b13; --on-exit: #fff;
      --round: var(--wegwijzer-radius, 1.1rem);
      font: var(--wegwijzer-font, 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif);
      color-scheme: light;
    }
    :host([theme="dark"]) { color-scheme: dark; ${DARK} }
    @media (prefers-color-scheme: dark) { :host(:not([theme="light"], [theme="contrast"])) { color-scheme: dark; ${DARK} } }
    :host([theme="contrast"]) { color-scheme: dark; ${CONTRAST} }
    @media (prefers-contrast: more) { :host(:not([theme="light"], [theme="dark"])) { color-scheme: dark; ${CONTRAST} } }

    *, *::before { box-sizing: border-box; }
    [hidden] { display: none !important; }
    .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    #all { color: var(--ink); text-align: left; }
    p { margin: 0; }
    button, textarea { font: inherit; color: inherit; }
    button { min-height: 44px; min-width: 44px; cursor: pointer; background: none; border: 0; border-radius: .7rem; touch-action: manipulation; }
    :is(button, a, summary, textarea, input, #log, #sheet-title):focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
    svg { width: 1.25em; height: 1.25em; flex: none; fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }

    #dock, #panel { position: fixed; z-index: var(--wegwijzer-z, 2147483000); right: 1rem; bottom: 1rem; }
    :host([position="left"]) :is(#dock, #panel) { right: auto; left: 1rem; }
    #dock { display: flex; flex-wrap: wrap; align-items: center; justify-content: flex-end; gap: .5rem; max-width: calc(100vw - 2rem); pointer-events: none; }
    #dock > * { pointer-events: auto; }
    #dock .exit { box-shadow: 0 2px 10px rgb(0 0 0 / .28); }
    :host([position="left"]) #dock { justify-content: flex-start; }
    #launcher {
      display: flex; align-items: center; gap: .6rem; padding: .8rem 1.1rem; min-height: 56px; border-radius: 2rem; background: var(--accent);
      color: var(--on-accent); font-weight: 600; border: 2px solid transparent; box-shadow: 0 4px 18px rgb(0 0 0 / .28);
    }
    :host([unread]) #launcher::after { content: ""; width: .7rem; height: .7rem; border-radius: 50%; background: currentColor; }

    #panel {
      display: flex; flex-direction: column; width: min(25rem, 100vw - 2rem); height: min(42rem, 100vh - 2rem); height: min(42rem, 100dvh - 2rem);
      background: var(--paper); border: 1px solid var(--line); border-radius: var(--round); overflow: hidden; box-shadow: 0 10px 40px rgb(0 0 0 / .3);
    }
    :host([mode="page"]) { display: block; height: 100%; }
    :host([mode="page"]) #panel { position: fixed; inset: 0; width: auto; height: var(--view-height, 100dvh); top: var(--view-top, 0); border: 0; border-radius: 0; box-shadow: none; }
    :host([mode="page"]) :is(#log, form, #head, #state) { padding-inline: max(1rem, calc(50% - 22rem)); }
    :host([mode="page"]) #sheet { padding-inline: max(1.25rem, calc(50% - 22rem)); }
    @media (max-width: 480px), (max-height: 500px) {
      :host(:not([mode="page"])) #panel { inset: 0; top: var(--view-top, 0); width: auto; height: var(--view-height, 100dvh); border: 0; border-radius: 0; }
    }

    #head { display: flex; align-items: center; gap: .75rem; padding: .6rem .75rem; border-bottom: 1px solid var(--line); background: var(--raised); }
    #name { flex: 1; min-width: 0; line-height: 1.25; }
    #title { font-weight: 700; font-size: 1.1rem; }
    #subtitle { color: var(--soft); font-size: .875rem; }
    .exit { display: flex; align-items: center; gap: .4rem; padding: .4rem .9rem; background: var(--exit); color: var(--on-exit); font-weight: 700; border-radius: 2rem; white-space: nowrap; }
    #close { display: grid; place-items: center; }

    #state { font-size: .9375rem; }
    #state:not(:empty) { padding: .5rem 1rem; background: var(--raised); border-bottom: 1px solid var(--line); }
    #state.bad { background: var(--warn-paper); color: var(--warn); }
    #state.good { color: var(--good); }
    #state button { text-align: left; text-decoration: underline; }

    #talk { flex: 1; min-height: 0; position: relative; display: flex; }
    #log { flex: 1; position: relative; overflow-y: auto; overscroll-behavior: contain; padding: 1rem; display: flex; flex-direction: column; gap: .5rem; outline-offset: -3px !important; }
    #log > * { animation: come .25s ease-out both; animation-delay: calc(var(--i, 0) * 90ms); flex: none; }
    #log > :first-child { animation: none; }
    @keyframes come { from { opacity: 0; transform: translateY(.4rem); } }
    .bubble { max-width: 88%; width: fit-content; padding: .6rem .9rem; border-radius: 1.1rem; overflow-wrap: anywhere; }
    .bubble p + p { margin-top: .4rem; }
    .bot .bubble { background: var(--raised); border: 1px solid var(--line); border-bottom-left-radius: .3rem; }
    .user { display: flex; flex-direction: column; align-items: flex-end; margin-block: .5rem; }
    .user .bubble { background: var(--mine); color: var(--on-mine); border: 1px solid var(--mine-line, var(--mine)); border-bottom-right-radius: .3rem; }
    .user .bubble p { white-space: pre-wrap; }
    .failed .bubble { background: var(--paper); color: var(--ink); border: 2px dashed var(--warn); }
    .note { display: flex; flex-wrap: wrap; align-items: center; justify-content: flex-end; gap: .25rem .75rem; font-size: .875rem; color: var(--soft); }
    .failed .note { color: var(--warn); }
    .note button { text-decoration: underline; font-weight: 600; padding-inline: .5rem; }
    .notice { align-self: center; max-width: 34rem; margin-block: .5rem; padding: .6rem 1rem; text-align: center; border: 1px solid var(--line); border-radius: .8rem; font-size: .9375rem; }
    .notice.error { color: var(--warn); background: var(--warn-paper); border-color: currentColor; }

    .chips { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .35rem; }
    .chips button, .row button {
      padding: .45rem 1rem; border: 2px solid var(--accent); border-radius: 1.5rem; color: var(--accent); font-weight: 600; background: var(--paper); text-align: left;
    }
    .row .primary { background: var(--accent); color: var(--on-accent); }
    @media (hover: hover) { :is(.chips, .row) button:not(.danger):hover { background: var(--accent); color: var(--on-accent); } }

    .helped { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem .75rem; color: var(--soft); font-size: .9375rem; }
    .helped button { padding-inline: .9rem; border: 1px solid var(--soft); border-radius: 1.5rem; color: var(--ink); }
    .tasks { list-style: none; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: 1rem; overflow: hidden; background: var(--paper); }
    .tasks li { padding: .35rem .9rem .6rem; }
    .tasks li + li { border-top: 1px solid var(--line); }
    .tasks label { display: flex; gap: .75rem; min-height: 44px; padding-top: .4rem; cursor: pointer; }
    .tasks b { display: block; }
    .tasks p + p { margin-top: .3rem; }
    .avoid { margin: .3rem 0 0 2.15rem !important; padding-left: .6rem; border-left: 3px solid var(--warn); color: var(--soft); font-size: .9375rem; }
    input[type="checkbox"] { width: 1.4rem; height: 1.4rem; margin: .1rem 0 0; flex: none; accent-color: var(--accent); }
    label:has(:checked) > span > b { text-decoration: line-through; text-decoration-thickness: 1px; }

    .card { padding: .9rem 1rem .4rem; border: 1px solid var(--line); border-radius: 1rem; background: var(--paper); box-shadow: 0 1px 4px rgb(0 0 0 / .08); }
    .who { font-weight: 700; font-size: 1.0625rem; }
    .opening { color: var(--soft); font-size: .9375rem; }
    .open .now { color: var(--good); font-weight: 600; }
    .open .now::before { content: "● "; }
    .reach { display: flex; flex-direction: column; gap: .5rem; margin-top: .6rem; }
    .reach a, .place { display: flex; align-items: center; gap: .6rem; min-height: 44px; padding: .4rem .9rem; border: 2px solid var(--accent); border-radius: .8rem; color: var(--accent); text-decoration: none; font-weight: 600; }
    .reach a span:not(.hidden) { overflow-wrap: anywhere; }
    .reach a:hover span { text-decoration: underline; }
    .reach .phone { background: var(--accent); color: var(--on-accent); }
    .reach .dim, .place { border-color: var(--line); color: var(--soft); }
    summary { min-height: 44px; display: flex; align-items: center; cursor: pointer; color: var(--soft); font-size: .9375rem; text-decoration: underline; }
    details p { margin-bottom: .4rem; font-size: .9375rem; }
    .top { display: flex; justify-content: space-between; align-items: flex-start; }
    .top button { margin: -.6rem -.6rem 0 .5rem; display: grid; place-items: center; color: var(--soft); flex: none; }
    #links button { display: flex; align-items: center; gap: .4rem; color: var(--soft); font-size: .9375rem; text-decoration: underline; padding-inline: .4rem; }
    .bubble a { color: inherit; }

    .typing .bubble { display: flex; gap: .3rem; padding-block: .95rem; }
    .typing i { width: .5rem; height: .5rem; border-radius: 50%; background: var(--soft); animation: blink 1.2s infinite; }
    .typing i:nth-of-type(2) { animation-delay: .2s; }
    .typing i:nth-of-type(3) { animation-delay: .4s; }
    @keyframes blink { 50% { opacity: .25; } }
    #further { position: absolute; right: 1rem; bottom: .5rem; display: grid; place-items: center; background: var(--ink); color: var(--paper); border-radius: 50%; box-shadow: 0 2px 8px rgb(0 0 0 / .3); }

    form { display: grid; grid-template-columns: 1fr auto; gap: .5rem; align-items: end; padding: .75rem 1rem 0; border-top: 1px solid var(--line); }
    textarea { width: 100%; min-height: 48px; max-height: 9rem; resize: none; padding: .65rem .9rem; border: 2px solid var(--soft); border-radius: 1.4rem; background: var(--paper); color: var(--ink); font-size: max(1rem, 16px); line-height: 1.4; }
    textarea:focus-visible { border-color: var(--accent); outline-width: 2px !important; outline-offset: 0 !important; }
    textarea::placeholder { color: var(--soft); opacity: 1; }
    #send { width: 48px; height: 48px; display: grid; place-items: center; background: var(--accent); color: var(--on-accent); border-radius: 50%; }
    #count { grid-column: 1 / -1; font-size: .875rem; color: var(--soft); }
    [aria-invalid="true"] ~ #count { color: var(--warn); }
    #links { display: flex; flex-wrap: wrap; justify-content: center; gap: 0 1rem; padding: .1rem .5rem max(.2rem, env(safe-area-inset-bottom)); }

    #sheet { position: absolute; inset: 4rem 0 0; display: flex; flex-direction: column; gap: .9rem; overflow-y: auto; padding: 1.25rem; background: var(--paper); }
    #sheet-title { font-weight: 700; font-size: 1.25rem; }
    .switch { display: flex; gap: .75rem; min-height: 44px; padding: .7rem .9rem; border: 1px solid var(--line); border-radius: .9rem; cursor: pointer; }
    .switch b, .switch small { display: block; text-decoration: none !important; }
    .switch small { color: var(--soft); font-size: .9375rem; line-height: 1.4; }
    #sheet > * { flex: none; }
    .row { display: flex; flex-direction: column; gap: .6rem; margin-top: .25rem; }
    .row button { display: flex; align-items: center; justify-content: center; gap: .5rem; }
    .row .danger { background: var(--exit); border-color: var(--exit); color: var(--on-exit); }

    @media (prefers-reduced-motion: reduce) { * { animation: none !important; scroll-behavior: auto !important; } }
    @media (forced-colors: active) {
      :is(.exit, #send, #launcher, #further, .user .bubble, .reach a) { border: 2px solid ButtonText; }
      svg { stroke: currentColor; }
    }
  `);

  if (!customElements.get("wegwijzer-chat")) customElements.define("wegwijzer-chat", WegwijzerChat);
})();
