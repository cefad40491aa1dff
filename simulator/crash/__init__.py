"""Power cuts, failing disks, damaged files and kills, held against what a terminal promised."""
