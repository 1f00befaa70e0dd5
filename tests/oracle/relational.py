MAPS = ["shop"]
class Profile:
    pass
