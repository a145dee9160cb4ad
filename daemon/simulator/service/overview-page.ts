import { counted } from "../../base/counted.ts";
import { utcSecondsText, utcText } from "../../base/system-time.ts";
import type { PlaceReference, Registration } from "./registration.ts";
import { wireRemarks } from "./remarks.ts";
import type { SimulatedService } from "./simulated-service.ts";

/** Registrations and calls shown. */
export const overviewRowsMax = 200;

/** What the simulator received, newest first, for a person with a browser. Without scripts; of an SSIN the birth order is hidden. */
export function overviewPage(service: SimulatedService): string {
  const now = service.now();
  const { registrations } = service.ledger;
  const shown = registrations.slice(-overviewRowsMax).toReversed();
  const calls = service.calls.recent.slice(-overviewRowsMax).toReversed();
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated service</title><style>
body { font: 16px/1.4 sans-serif; margin: 1.5em; } table { border-collapse: collapse; margin-bottom: 2em; }
th, td { text-align: left; padding: 0.2em 0.8em 0.2em 0; border-bottom: 1px solid #ccc; vertical-align: top; }
</style></head><body>
<h1>Simulated service</h1>
<p>Its clock says ${utcText(now)}. It holds ${counted(registrations.length, "registration")} of ${counted(service.ledger.workerCount, "worker")}. Load the page again to see more.</p>
<h2>Registrations</h2>
${table(
  ["id", "registration", "received", "SSIN", "type", "employer", "place", "AvW number", "state", "remarks"],
  shown.map((each) => registrationRow(service, each)),
)}
<h2>Calls</h2>
${table(
  ["call", "received", "kind", "status", "registrations", "fault", "trace"],
  calls.map((call) => [
    String(call.callId),
    utcText(call.receivedMs),
    call.call,
    call.status === null ? "none" : String(call.status),
    String(call.accepted),
    call.fault ?? "",
    call.traceId ?? "",
  ]),
)}
</body></html>
`;
}

function registrationRow(service: SimulatedService, registration: Registration): readonly string[] {
  const now = service.now();
  const { id, registrationMs, receivedMs, ssin, type, employer, placeOfWork, contractualRelationshipReference } =
    registration;
  const remarks = wireRemarks(service.ledger.remarks(registration, now));
  return [
    String(id),
    utcSecondsText(registrationMs),
    utcText(receivedMs),
    maskedSsin(ssin),
    type,
    "enterpriseNumber" in employer ? employer.enterpriseNumber : employer.foreignVatNumber,
    placeText(placeOfWork),
    contractualRelationshipReference ?? "",
    service.ledger.validity(registration, now),
    remarks.map(({ code, description }) => `${code}: ${description}`).join(" "),
  ];
}

function placeText(place: PlaceReference): string {
  if ("coordinates" in place) return `${place.coordinates.latitude}, ${place.coordinates.longitude}`;
  const { streetName, houseNumber, boxNumber, postCode, municipalityName } = place.address;
  const words = (...parts: readonly (string | undefined)[]): string => parts.filter(Boolean).join(" ");
  return [words(streetName, houseNumber, boxNumber), words(postCode, municipalityName)].filter(Boolean).join(", ");
}

/** The first two and the last two digits tell a few workers apart, and name nobody. */
export function maskedSsin(ssin: string): string {
  return `${ssin.slice(0, 2)}•••••••${ssin.slice(-2)}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "<p>Nothing yet.</p>";
  const row = (cells: readonly string[], tag: "td" | "th"): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join("")}</tr>`;
  return `<table>\n${[row(heads, "th"), ...rows.map((cells) => row(cells, "td"))].join("\n")}\n</table>`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
