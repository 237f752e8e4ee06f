// every calls task at once and then again, a period after it has ended, but not while nobody looks at the page. It
// returns a function that ends it.
export function every(period, task) {
  let timer = 0;
  let running = false;
  let ended = false;
  const next = async () => {
    clearTimeout(timer);
    if (ended || running || document.hidden) return;
    running = true;
    try {
      await task();
    } finally {
      running = false;
      if (!ended) timer = setTimeout(next, period);
    }
  };
  document.addEventListener("visibilitychange", next);
  next();
  return () => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", next);
  };
}
