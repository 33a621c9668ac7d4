"""G-buffer: where each pixel keeps what weather cannot change; one cache line of 16 float32 a pixel."""

ALBEDO = 0  # linear rgb, three places
SPECULAR = 3  # reflectance seen straight on, 0..1
GLOSS = 4  # 0 matt .. 1 mirror
POROUS = 5  # how much darker it becomes when wet, 0..1
PUDDLE = 6  # how readily water stands on it, 0 never .. 1 first
EMISSION = 7  # linear rgb, three places
LEVEL = 10  # it glows once the appearance's lamps exceed this; below 0 always
NORMAL = 11  # unit, three places, turned toward the camera
OCCLUSION = 14  # 1 open .. 0 buried
DEPTH = 15  # metres along the optical axis; 0 for sky
SIZE = 16
