/** The report's one style sheet. No font, image or address from elsewhere: the page must look the same in ten years. */
export const STYLE = `
:root{color-scheme:light dark;--ink:#1c2430;--soft:#566273;--line:#d9dee5;--page:#fff;--panel:#f6f8fa;--accent:#24476b;
--good:#17663a;--good-bg:#e6f4ec;--bad:#a3231c;--bad-bg:#fcebea;--wait:#7a4d00;--wait-bg:#fdf3dc;--calm:#3d4a5c;--calm-bg:#e9edf2;
--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e4e8ee;--soft:#9aa7b8;--line:#313b48;--page:#12171e;--panel:#1a212a;--accent:#9cc3ec;
--good:#7fd6a3;--good-bg:#14301f;--bad:#f4a29c;--bad-bg:#3a1917;--wait:#f0c56c;--wait-bg:#33270d;--calm:#b9c5d4;--calm-bg:#263040}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
font-variant-numeric:tabular-nums}
main{max-width:64rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:1.75rem;line-height:1.2;margin:.15rem 0 .35rem;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:1.15rem;line-height:1.3;margin:2.75rem 0 .9rem;padding-bottom:.4rem;border-bottom:1px solid var(--line);font-weight:650}
h3{font-size:1rem;line-height:1.4;margin:0;font-weight:600;overflow-wrap:anywhere}
p{margin:.5rem 0}
a{color:var(--accent)}
bdi{overflow-wrap:anywhere}
code,pre,.mono{font-family:var(--mono);font-size:.86em}
.kicker{margin:0;font-size:.78rem;font-weight:600;letter-spacing:.09em;text-transform:uppercase;color:var(--soft)}
.soft{color:var(--soft)}
.small{font-size:.86rem}
.hidden-char{font:600 .72em/1 var(--mono);padding:.1em .3em;border:1px solid var(--bad);border-radius:.25em;color:var(--bad);white-space:nowrap}
.verdict{margin:1.6rem 0 0;padding:1rem 1.2rem;border:1px solid var(--line);border-left:.4rem solid var(--tone);border-radius:.4rem;background:var(--tone-bg)}
.verdict strong{display:block;font-size:1.15rem;line-height:1.35;color:var(--tone)}
.verdict p{margin:.25rem 0 0}
.good{--tone:var(--good);--tone-bg:var(--good-bg)}
.bad{--tone:var(--bad);--tone-bg:var(--bad-bg)}
.wait{--tone:var(--wait);--tone-bg:var(--wait-bg)}
.calm{--tone:var(--calm);--tone-bg:var(--calm-bg)}
.facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.4rem 1.5rem;margin:0}
.facts dt{color:var(--soft)}
.facts dd{margin:0;overflow-wrap:anywhere;min-width:0}
.badge{display:inline-block;padding:.08rem .55rem;border-radius:.3rem;border:1px solid var(--tone);background:var(--tone-bg);color:var(--tone);
font-size:.82rem;font-weight:600;line-height:1.5;white-space:nowrap}
.tally{display:flex;flex-wrap:wrap;gap:.5rem;margin:1.4rem 0 0;padding:0;list-style:none}
.tally .badge{padding:.15rem .65rem}
.tally b{margin-right:.35rem;font-weight:700}
ol.plain,ul.plain{list-style:none;margin:0;padding:0}
.card{padding:.95rem 1.1rem;margin:0 0 .8rem;border:1px solid var(--line);border-radius:.4rem;background:var(--panel)}
.card .head{display:flex;flex-wrap:wrap;gap:.35rem .7rem;align-items:baseline}
blockquote{margin:.6rem 0 .3rem;padding:.1rem 0 .1rem .9rem;border-left:.2rem solid var(--tone,var(--line));white-space:pre-wrap;overflow-wrap:anywhere}
.entry{display:grid;grid-template-columns:9rem minmax(0,1fr);gap:0 1.2rem;padding:.95rem 0;border-bottom:1px solid var(--line)}
.entry:last-child{border-bottom:0}
.entry .when{color:var(--soft);white-space:nowrap;font-size:.86rem;line-height:1.6}
.entry .when b{display:block;color:var(--ink);font-weight:600}
.entry .head{display:flex;flex-wrap:wrap;gap:.3rem .7rem;align-items:baseline;min-width:0}
.entry p{margin:.3rem 0 0}
.day{margin:1.6rem 0 0;padding:.35rem 0;font-size:.86rem;font-weight:600;color:var(--soft);border-bottom:1px solid var(--line)}
.values{margin:.55rem 0 0}
.values>div{margin:.35rem 0 0}
.label{color:var(--soft);font-size:.86rem}
pre{margin:.2rem 0 0;padding:.6rem .75rem;border:1px solid var(--line);border-radius:.3rem;background:var(--panel);white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.5}
.members{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.15rem 1.2rem;margin:.2rem 0 0;padding:.5rem .75rem;border:1px solid var(--line);
border-radius:.3rem;background:var(--panel);font:.86em/1.5 var(--mono)}
.members dt{color:var(--soft);max-width:14rem;overflow-wrap:anywhere}
.members dd{margin:0;min-width:0;white-space:pre-wrap;overflow-wrap:anywhere}
p.findings{margin:1.2rem 0 .2rem}
details{margin:.35rem 0 0}
summary{cursor:pointer;color:var(--accent);font-size:.86rem}
table{width:100%;border-collapse:collapse;font-size:.93rem}
th,td{padding:.45rem .8rem .45rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
th{color:var(--soft);font-weight:600;font-size:.82rem}
ol.steps{margin:.4rem 0 0;padding-left:1.3rem}
ol.steps li{margin:.45rem 0}
footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.86rem}
@media (max-width:40rem){
main{padding:1.5rem 1rem 3rem}
h1{font-size:1.4rem}
.facts{grid-template-columns:minmax(0,1fr);gap:0}
.facts dd{margin:0 0 .6rem}
.entry{grid-template-columns:minmax(0,1fr);gap:.35rem}
.entry .when b{display:inline;margin-right:.5rem}
table,tbody,tr,td{display:block}
thead{display:none}
td{border:0;padding:.1rem 0}
tr{padding:.6rem 0;border-bottom:1px solid var(--line)}
}
@page{size:A4;margin:17mm 15mm 19mm}
@media print{
html{font-size:9.6pt}
body{font-size:1rem;line-height:1.45}
main{max-width:none;padding:0}
h2{margin-top:1.9rem;break-after:avoid}
.verdict,.card,.badge,.hidden-char,.members,pre{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.card,.verdict,.members,.facts,.short,tr{break-inside:avoid}
.entry .head,.day,.label{break-after:avoid}
.entry{padding:.6rem 0;grid-template-columns:9rem minmax(0,1fr)}
details::details-content{content-visibility:visible;height:auto;display:block}
summary{list-style:none;color:var(--soft)}
a{color:inherit;text-decoration:none}
}
`
