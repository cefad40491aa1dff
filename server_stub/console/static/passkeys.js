// Says on the page, and not only in the console of the browser, that a passkey did not answer.
'use strict'
document.addEventListener('allauth.error', function (event) {
  event.preventDefault()
  const words = document.getElementById('passkey_trouble')
  words.hidden = true
  // Shown a moment later: whoever listens to the page hears it again at a second attempt.
  window.setTimeout(function () { words.hidden = false }, 50)
})
