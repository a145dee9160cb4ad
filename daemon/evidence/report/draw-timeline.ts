import { ensure, face, ink, type Pdf, sheet, textWidth, winAnsi } from "./page.ts";
import type { LayerState, ReportWords } from "./report-words.ts";
import type { Timeline } from "./timeline.ts";

const nameWidth = 118;
const rowHeight = 15;
const barHeight = 9;
const headHeight = 24;
const axisHeight = 30;
const legendHeight = 18;

/** One row a layer. Dark, pale and striped tell the states apart on paper without colour too. */
export function drawTimeline(pdf: Pdf, { rows, began, ended, ticks, axis }: Timeline, words: ReportWords): void {
  ensure(pdf, headHeight + rows.length * rowHeight + axisHeight + legendHeight);
  const left = sheet.side + nameWidth;
  const width = textWidth - nameWidth;
  const top = pdf.y + headHeight;
  const bottom = top + rows.length * rowHeight;
  const x = (share: number): number => left + share * width;
  drawLegend(pdf, left, pdf.y, words);
  for (const { at } of ticks) {
    pdf
      .lineWidth(0.4)
      .strokeColor(ink.line)
      .moveTo(x(at), top)
      .lineTo(x(at), bottom + 4)
      .stroke();
  }
  for (const [index, { layer, stretches }] of rows.entries()) {
    const y = top + index * rowHeight;
    pdf.font(face.plain).fontSize(8).fillColor(ink.text);
    pdf.text(winAnsi(words.layer[layer]), sheet.side, y + 3.5, { width: nameWidth - 6, height: 10, ellipsis: true });
    const barY = y + (rowHeight - barHeight) / 2;
    for (const { from, to, state } of stretches) drawState(pdf, state, x(from), barY, (to - from) * width);
  }
  drawInterval(pdf, x(began.from), x(began.to), top, bottom, words.began, "left");
  if (ended !== null) drawInterval(pdf, x(ended.from), x(ended.to), top, bottom, words.ended, "right");
  pdf.font(face.plain).fontSize(7.5).fillColor(ink.soft);
  for (const { at, text } of ticks) {
    pdf.text(text, x(at) - 25, bottom + 6, { width: 50, align: "center", lineBreak: false });
  }
  pdf.text(winAnsi(axis), left, bottom + 17, { width, align: "right", lineBreak: false });
  pdf.y = bottom + axisHeight;
}

function drawLegend(pdf: Pdf, left: number, y: number, words: ReportWords): void {
  let at = left;
  for (const state of ["ok", "failed", "partly", "unknown"] as const) {
    drawState(pdf, state, at, y + 1, 16);
    pdf.font(face.plain).fontSize(7.5).fillColor(ink.soft);
    const text = winAnsi(words.state[state]);
    pdf.text(text, at + 20, y + 2, { lineBreak: false });
    at += 20 + pdf.widthOfString(text) + 12;
  }
}

function drawState(pdf: Pdf, state: LayerState, x: number, y: number, width: number): void {
  switch (state) {
    case "ok":
      pdf.lineWidth(0.5).rect(x, y, width, barHeight).fillAndStroke("#dcebe0", "#7fa38a");
      break;
    case "failed":
      pdf.lineWidth(0.5).rect(x, y, width, barHeight).fillAndStroke("#8c1f1f", "#8c1f1f");
      break;
    case "partly":
      drawStripes(pdf, x, y, width);
      break;
    case "unknown": {
      const middle = y + barHeight / 2;
      pdf.lineWidth(0.8).strokeColor("#9a9a9a").dash(1.5, { space: 2 });
      pdf
        .moveTo(x, middle)
        .lineTo(x + width, middle)
        .stroke()
        .undash();
      break;
    }
  }
}

function drawStripes(pdf: Pdf, x: number, y: number, width: number): void {
  pdf.save().rect(x, y, width, barHeight).clip().rect(x, y, width, barHeight).fill("#f4e3c1");
  pdf.lineWidth(1).strokeColor("#8a5a00");
  for (let at = x - barHeight; at < x + width; at += 4) pdf.moveTo(at, y + barHeight).lineTo(at + barHeight, y);
  pdf.stroke().restore();
  pdf.lineWidth(0.5).strokeColor("#8a5a00").rect(x, y, width, barHeight).stroke();
}

/** When something began or ended is an interval: two lines with a bracket over them, and its name outside the window. */
function drawInterval(
  pdf: Pdf,
  from: number,
  to: number,
  top: number,
  bottom: number,
  name: string,
  side: "left" | "right",
): void {
  const roof = top - 4;
  pdf.lineWidth(0.9).strokeColor(ink.accent);
  pdf
    .moveTo(from, bottom + 2)
    .lineTo(from, roof)
    .lineTo(to, roof)
    .lineTo(to, bottom + 2)
    .stroke();
  pdf.font(face.bold).fontSize(7.5).fillColor(ink.accent);
  const options = { width: 60, align: side === "left" ? "right" : "left", lineBreak: false } as const;
  pdf.text(winAnsi(name), side === "left" ? from - 63 : to + 3, roof - 4, options);
}
