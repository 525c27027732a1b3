"""collect: web -> database. Ask the sources, merge their listings into papers, note every change."""
