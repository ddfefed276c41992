// Requests to the sandbox. Everything the page does goes through the same endpoints that tests use.

export class Refused extends Error {
  constructor(body) {
    super(body.details?.length ? body.details.join("; ") : body.error);
    this.code = body.error;
  }
}

const MEANINGS = {
  operation_timeout: "The app did not answer in time. Try again.",
  dispatch_failed: "The app is not connected.",
  already_reacted: "You have already reacted like that.",
};

export function explain(error) {
  return MEANINGS[error.code] ?? error.message;
}

async function request(path, options) {
  const response = await fetch(path, options);
  const body = await response.json();
  if (!response.ok) throw new Refused(body);
  return body;
}

export const get = (path) => request(path);

export const remove = (path) => request(path, { method: "DELETE" });

export function post(path, body) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return request(path, options);
}

export const see = (person, what, query = {}) => get(`/sandbox/people/${person}/${what}?${new URLSearchParams(query)}`);

export const act = (person, name, body = {}) => post(`/sandbox/people/${person}/${name}`, body);

// Calls `onUpdate` for each update, `onOpen` whenever the stream is (again) complete from here on, and `onLost` when it
// breaks; the browser then tries again by itself.
export function listen(person, onUpdate, onOpen, onLost) {
  const source = new EventSource(`/sandbox/people/${person}/updates`);
  source.onmessage = (event) => {
    const update = JSON.parse(event.data);
    if (update.kind === "ready") onOpen();
    else onUpdate(update);
  };
  source.onerror = onLost;
  return () => source.close();
}
