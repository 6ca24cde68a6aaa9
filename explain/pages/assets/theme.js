// Sets what has to stand before the page is drawn: that there is a script, and the colours chosen before.
"use strict";
document.documentElement.classList.add("js");
try {
  const theme = localStorage.getItem("seatrial-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch { /* no storage for files in some browsers: the colours of the system stay */ }
