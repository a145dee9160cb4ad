import { onlineServiceUrl } from "./other-channel.ts";
import type { Words } from "./words.ts";

export const dutch: Words = {
  cause: {
    "own-software": "de eigen badgesoftware of haar instellingen",
    "own-network": "het eigen netwerk op de werf",
    "own-power": "de eigen stroomvoorziening van de badgelezer",
    operator: "iemand heeft het toestel of het programma herstart",
    "power-unproven": "stroomonderbreking, oorsprong niet bewezen",
    "power-supplier": "stroomonderbreking bij de energieleverancier",
    "internet-provider": "de internetverbinding van de provider",
    service: "de dienst Check In and Out at Work",
    partial: "gedeeltelijke storing, oorsprong onduidelijk",
    "other-channel-worked": "een ander kanaal was bruikbaar",
    unknown: "niet vast te stellen vanaf dit toestel",
  },
  exemption: {
    "not-exempt": "geen vrijstelling",
    presumed: "vermoedelijk vrijgesteld voor de duur van de storing",
    ambiguous: "onduidelijk of er vrijstelling is",
  },
  because: {
    "not-exempt": "De storing ligt bij de onderneming of haar leverancier, of een ander kanaal was bruikbaar.",
    presumed: "De storing lijkt te wijten aan een externe derde of aan de dienst zelf; ze moet verifieerbaar blijven.",
    ambiguous: "Vanaf dit toestel is niet te zien wie de storing veroorzaakte.",
  },
  evidence: {
    "grid-operator-proof": "een bewijs van de netbeheerder",
    "provider-ticket": "het storingsticket van de internetprovider",
    "service-notice": "een bericht van de RSZ over de onbeschikbaarheid",
    "other-channel-attempt": "een genoteerde poging via een ander kanaal",
    "gateway-look": "nagaan of de eigen router werkte",
    "own-way-look":
      "nagaan of een firewall van dit toestel, of een tunnel of proxy van de onderneming, tegenhoudt wat verzonden wordt",
    "other-resolver": "nagaan of een andere naamserver antwoordde",
    "supplier-statement": "een verklaring van de leverancier",
    "power-supply-check": "nagaan of de eigen voeding van dit toestel sterk genoeg is: de spanning was te laag",
  },
  step: {
    supplier: (name, phone) => `Contacteer eerst de leverancier: ${name}, ${phone}.`,
    supplierUnknown: "Contacteer eerst de leverancier; zijn telefoonnummer staat niet in de configuratie.",
    otherChannel: `Laat de medewerkers via een ander kanaal registreren: de onlinedienst op een computer of telefoon (${onlineServiceUrl}).`,
    exempt:
      "Lukt het via geen enkel kanaal, en ligt de oorzaak niet bij u of bij middelen die u ter beschikking stelt, dan zijn de medewerkers voor de duur van de storing vrijgesteld van registratie.",
    registerElsewhereNow: `REGISTREER NU VIA EEN ANDER KANAAL: dit toestel kan niet verzenden, de onlinedienst hangt er niet van af: ${onlineServiceUrl}`,
    nextMoment:
      "Na de storing registreert iedereen bij het eerstvolgende begin of einde van het werk; niets wordt ingehaald.",
    keepVerifiable: "Bewaar wat de storing bewijst: voeg het toe aan deze storing.",
  },
  window: {
    title: "Storing",
    none: "Geen storingen.",
    more: (count) => `En nog ${count} eerdere: badged outages list`,
    began: "begin",
    ended: "einde",
    lasts: "duurt nog",
    between: (from, to) => `tussen ${from} en ${to}`,
    notLaterThan: (to) => `ten laatste ${to}`,
    notProven: (at) => `${at} volgens de klok van het toestel, die toen door niets bewezen was`,
    duration: "duur",
    cause: "oorzaak",
    exemption: "vrijstelling",
    gaps: (count) => `${count} keer niet waargenomen`,
    flaps: (count) => `${count} keer even hersteld`,
    steps: "wat te doen",
    settledBy: "wat dit zou ondersteunen",
    scansOf: "scans",
    scans: (delayed, withheld) =>
      `${delayed === null ? "hoeveel er later verstuurd zijn, wordt niet meer bewaard" : `${delayed} ${delayed === 1 ? "scan" : "scans"} later verstuurd`}, ${withheld} ingehouden`,
    firstAfter: "eerste registratie erna",
    notes: "notities",
  },
};
