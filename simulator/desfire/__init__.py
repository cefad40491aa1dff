"""The inside of the virtual card: memory, secure channel, transaction and commands.

Written from public documents only and from nothing of ours, so that card and driver are two
readings of the same text and a mistake in one is not repeated by the other. Sources:
AN12343 (DESFire Light features and hints), LIGHT-DS (MF2DL(H)x0 data sheet, section 10),
D40 (MF3ICD40 functional specification), AN10922 (key diversification).
"""
