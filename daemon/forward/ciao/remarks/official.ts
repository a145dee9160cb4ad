import { type RemarkNumber, remarkNumbers } from "./numbers.ts";

/** A remark as the RSZ publishes it, in Dutch: the document is the source, so nothing here is ever reworded. */
export type OfficialRemark = {
  readonly remark: string;
  readonly cause: string;
  readonly action: string;
};

const dimona = {
  cause:
    "De Dimona-aangifte werd niet correct ingevuld. Er werd geen aangifte ingediend, of de werknemer registreerde zich voor de verkeerde onderneming.",
  action:
    "Controleer of het om een werknemer van uw onderneming gaat. Is dat het geval, doe dan de Dimona-aangifte of pas ze aan. Is dat niet het geval, dan registreerde de werknemer zich voor de verkeerde onderneming. Meld deze situatie binnen de 30 dagen via het webformulier.",
};

const status = {
  cause: "Na vergelijking van gegevens uit verschillende bronnen werd een inconsistentie vastgesteld.",
  action: "Verifieer het statuut van uw onderneming bij de bevoegde organisaties (RSZ, RSVZ, KBO …).",
};

const limosa = {
  cause:
    "De Limosa-aangifte werd niet correct ingevuld. Er werd geen aangifte ingediend, of de werknemer registreerde zich voor de verkeerde onderneming.",
  action:
    "Controleer of het om een werknemer van uw onderneming gaat. Is dat het geval, doe dan de Limosa-aangifte of pas ze aan. In het andere geval registreerde de werknemer zich voor de verkeerde onderneming. Meld deze situatie binnen de 30 dagen via het webformulier.",
};

const declarationOfWorks = {
  cause:
    "De Aangifte van Werken (AvW) is niet correct ingevuld. Er is geen aangifte ingediend of de medewerker registreerde zich met een fout aangiftenummer.",
  action:
    "Controleer of er een aangifte is gedaan en pas ze zo nodig aan in de onlinedienst AvW. Als de medewerker zich registreerde met een fout aangiftenummer, meldt u dat binnen de 30 dagen via het webformulier.",
};

const nothingToDo = "U hoeft geen actie te ondernemen.";
const wrongType = "De medewerker heeft zich vergist in het type registratie.";

export const officialRemarks: Readonly<Record<RemarkNumber, OfficialRemark>> = {
  1: { remark: "Er bestaat geen relatie tussen de werknemer en de onderneming.", ...dimona },
  2: { remark: "De relatie tussen de werknemer en de onderneming is niet meer actief.", ...dimona },
  3: { remark: "De onderneming is geen werkgever of zelfstandige.", ...status },
  4: { remark: "De onderneming bestaat niet.", ...status },
  5: { remark: "De geregistreerde persoon is geen houder van een wettelijke functie voor dit bedrijf.", ...status },
  6: { remark: "Er bestaat geen Limosa voor deze identificatie.", ...limosa },
  7: { remark: "Limosa bestaat maar is niet actief.", ...limosa },
  8: { remark: "Geen Limosa voor dit INSZ-BIS", ...limosa },
  9: { remark: "Geen actieve Limosa voor dit INSZ-BIS.", ...limosa },
  10: { remark: "Er bestaat geen Aangifte van Werken voor deze identificatie.", ...declarationOfWorks },
  11: { remark: "De Aangifte van Werken bestaat maar is niet actief.", ...declarationOfWorks },
  12: { remark: "De onderneming heeft geen contract in de Aangifte van Werken.", ...declarationOfWorks },
  15: {
    remark: "INSZ is onbekend.",
    cause: "Het INSZ/rijksregisternummer bestaat niet of is niet gekend.",
    action: nothingToDo,
  },
  16: { remark: "De werkgever is inactief in het repertorium.", ...status },
  17: { remark: "Het contract in de Aangifte van Werken is niet actief.", ...declarationOfWorks },
  21: { remark: "Twee of meer IN's na elkaar", cause: wrongType, action: nothingToDo },
  22: { remark: "Twee of meer OUT's na elkaar", cause: wrongType, action: nothingToDo },
  24: {
    remark: "OUT zonder dat er in de 24 uur voordien een IN was",
    cause: "De medewerker vergat zich te registreren.",
    action: "In dit geval is er geen aanwezigheidsregistratie gebeurd. Deze situatie kan niet rechtgezet worden.",
  },
  25: {
    remark: "Geen GPS-coördinaten door een weigering om te lokaliseren of een technisch probleem.",
    cause: "De medewerker heeft de lokalisatie op de smartphone niet geactiveerd.",
    action: "Bespreek met de medewerker hoe de GPS op de smartphone moet worden geactiveerd.",
  },
  32: {
    remark: "Termijn voor ontvangst van de registratie overschreden",
    cause:
      "De tijd verstreken tussen de registratie en de ontvangst ervan is groter dan of gelijk aan de ingestelde tijdslimiet. De klok op het badgesysteem is niet juist ingesteld.",
    action: "Controleer de werking van uw tijdsregistratiesysteem.",
  },
  33: {
    remark: "Link tussen werkgever en AvW niet gecontroleerd",
    cause: "Onze dienst heeft niet kunnen verifiëren of de werkgever daadwerkelijk deel uitmaakt van de AVW.",
    action: nothingToDo,
  },
  34: {
    remark: "Registratie geweigerd door CAW.",
    cause: "Sommige opmerkingen kunnen niet worden berekend.",
    action: "Controleer de registratie om zeker te zijn dat ze correct is.",
  },
  35: {
    remark: "Dienst geocoding niet beschikbaar",
    cause: "Er is een probleem met onze dienst.",
    action: "U hoeft geen actie te ondernemen. Vaak is dit probleem de volgende nacht opgelost.",
  },
  36: {
    remark: "GPS-coördinaten niet correct",
    cause: "De GPS-coördinaten zijn niet correct.",
    action:
      "Controleer de ingevoerde GPS-coördinaten. U hoeft niets te doen voor de al gecreëerde registratie, maar u moet wel de coördinaten corrigeren voor toekomstige registraties.",
  },
  37: {
    remark: "Adres niet verifieerbaar wegens ontbrekende informatie",
    cause: "Ons systeem kan het adres niet verifiëren. Mogelijk ontbreken er gegevens (gemeente, straat of nummer).",
    action:
      "Controleer het adres. Als het correct is, hoeft u niets te doen. Als het onjuist is, moet u de gegevens corrigeren voor toekomstige registraties.",
  },
  38: {
    remark: "Adres kan niet bepaald worden op basis van het ingegeven adres.",
    cause: "Het opgegeven adres is onjuist.",
    action: "Controleer de spelling voor toekomstige registraties.",
  },
};

/**
 * The number of a remark in the published words, with or without that in front; `null` for any other words, and where another
 * number is in front: whether that or the words are meant cannot be told, and a 32 that is none would teach a receipt limit.
 */
export function officialNumber(words: string): RemarkNumber | null {
  // An answer may hold thousands of texts, each of megabytes, and badges wait for whoever reads them.
  if (words.length > officialMaxChars) return null;
  const [, front, said = ""] = /^(?:(\d{1,2})\. )?(.*)$/s.exec(words.trim()) ?? [];
  const number = numbers.get(bareWords(said)) ?? null;
  return front === undefined || Number(front) === number ? number : null;
}

/** Capitals, blanks and a full stop are nobody's meaning. */
function bareWords(words: string): string {
  return words.toLowerCase().replaceAll(/\s+/g, " ").trim().replace(/\.$/, "");
}

const numbers: ReadonlyMap<string, RemarkNumber> = new Map(
  remarkNumbers.map((number) => [bareWords(officialRemarks[number].remark), number]),
);

/** Twice the longest of them. */
const officialMaxChars = 200;
