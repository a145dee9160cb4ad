import { onlineServiceUrl } from "./other-channel.ts";
import type { Words } from "./words.ts";

export const german: Words = {
  cause: {
    "own-software": "die eigene Badge-Software oder ihre Einstellungen",
    "own-network": "das eigene Netz der Baustelle",
    "own-power": "die eigene Stromversorgung des Lesers",
    operator: "jemand hat das Gerät oder das Programm neu gestartet",
    "power-unproven": "Stromausfall, Ursprung nicht belegt",
    "power-supplier": "Stromausfall beim Energieversorger",
    "internet-provider": "die Internetverbindung des Anbieters",
    service: "der Dienst Check In and Out at Work",
    partial: "teilweise Störung, Ursprung unklar",
    "other-channel-worked": "ein anderer Weg war nutzbar",
    unknown: "von diesem Gerät aus nicht festzustellen",
  },
  exemption: {
    "not-exempt": "keine Befreiung",
    presumed: "vermutlich befreit für die Dauer der Störung",
    ambiguous: "Befreiung unklar",
  },
  because: {
    "not-exempt": "Die Störung liegt beim Unternehmen oder seinem Lieferanten, oder ein anderer Weg war nutzbar.",
    presumed: "Die Störung scheint von einem Dritten oder vom Dienst selbst zu kommen; sie muss nachprüfbar bleiben.",
    ambiguous: "Von diesem Gerät aus ist nicht zu sehen, wer die Störung verursacht hat.",
  },
  evidence: {
    "grid-operator-proof": "ein Nachweis des Netzbetreibers",
    "provider-ticket": "das Störungsticket des Internetanbieters",
    "service-notice": "eine Mitteilung des LSS über die Nichtverfügbarkeit",
    "other-channel-attempt": "ein vermerkter Versuch über einen anderen Weg",
    "gateway-look": "prüfen, ob der eigene Router lief",
    "own-way-look":
      "prüfen, ob eine Firewall dieses Geräts oder ein Tunnel oder Proxy des Unternehmens zurückhält, was gesendet wird",
    "other-resolver": "prüfen, ob ein anderer Namensdienst antwortete",
    "supplier-statement": "eine Erklärung des Lieferanten",
    "power-supply-check": "prüfen, ob das eigene Netzteil dieses Geräts stark genug ist: seine Spannung war zu niedrig",
  },
  step: {
    supplier: (name, phone) => `Wenden Sie sich zuerst an den Lieferanten: ${name}, ${phone}.`,
    supplierUnknown: "Wenden Sie sich zuerst an den Lieferanten; seine Nummer steht nicht in der Konfiguration.",
    otherChannel: `Lassen Sie über einen anderen Weg registrieren: den Onlinedienst an Computer oder Telefon (${onlineServiceUrl}).`,
    exempt:
      "Geht es auf keinem Weg, und liegt die Ursache weder bei Ihnen noch bei Mitteln, die Sie zur Verfügung stellen, so sind die Arbeitnehmer für die Dauer der Störung von der Registrierung befreit.",
    registerElsewhereNow: `JETZT ÜBER EINEN ANDEREN WEG REGISTRIEREN: Dieses Gerät kann nicht senden, der Onlinedienst hängt nicht von ihm ab: ${onlineServiceUrl}`,
    nextMoment:
      "Nach der Störung registriert sich jeder beim nächsten Beginn oder Ende der Arbeit; nichts wird nachgeholt.",
    keepVerifiable: "Bewahren Sie auf, was die Störung belegt: fügen Sie es dieser Störung bei.",
  },
  window: {
    title: "Störung",
    none: "Keine Störungen.",
    more: (count) => `Und noch ${count} frühere: badged outages list`,
    began: "Beginn",
    ended: "Ende",
    lasts: "dauert an",
    between: (from, to) => `zwischen ${from} und ${to}`,
    notLaterThan: (to) => `spätestens ${to}`,
    notProven: (at) => `${at} nach der eigenen Uhr des Geräts, die damals durch nichts belegt war`,
    duration: "Dauer",
    cause: "Ursache",
    exemption: "Befreiung",
    gaps: (count) => `${count} Mal nicht beobachtet`,
    flaps: (count) => `${count} Mal kurz behoben`,
    steps: "was zu tun ist",
    settledBy: "was dies stützen würde",
    scansOf: "Scans",
    scans: (delayed, withheld) =>
      `${delayed === null ? "wie viele später gesendet wurden, ist nicht mehr gespeichert" : `${delayed} ${delayed === 1 ? "Scan" : "Scans"} später gesendet`}, ${withheld} zurückgehalten`,
    firstAfter: "erste Registrierung danach",
    notes: "Notizen",
  },
};
